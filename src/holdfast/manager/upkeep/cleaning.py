"""Cleaning up: which sessions nobody has used for long, shown first, and checked again as each is deleted."""

from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from holdfast.clock import utc
from holdfast.errors import InvalidArgument, SessionFenced, VersionConflict
from holdfast.manager.upkeep.walking import family, walk
from holdfast.models import SessionInfo, SessionQuery
from holdfast.repositories import Adapter

__all__ = ["Cleaned", "CleanupPlan", "cut_off", "plan_cleanup"]

_WIDEST = 40  # characters of a column; what is longer is cut in the table


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What a clean-up did. What was gone already when its turn came is in neither list.

    Attributes:
        deleted: The ids of the sessions that it deleted; with each went those below it.
        kept: The ids of those that somebody has used since the plan was made, or that are fenced.
    """

    deleted: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupPlan:
    """Which sessions a clean-up would delete: ``print(plan)``, then ``await plan.apply()``.

    Attributes:
        sessions: Those of the top level that were not written for so long, nor any below them; oldest first.
        more: Whether there are more than the plan's limit.
        before: They were all written before this.
        adapter: Where they are.
    """

    sessions: tuple[SessionInfo, ...]
    more: bool
    before: datetime
    adapter: Adapter = field(repr=False, compare=False)

    async def apply(self) -> Cleaned:
        """Delete them, each only if nobody has used it since; applying twice is harmless.

        What counts as use is a new state or a new message, and any write to a session below it.
        """
        deleted: list[str] = []
        kept: list[str] = []
        for info in self.sessions:
            try:
                if not await _is_idle(self.adapter, info, self.before):
                    kept.append(info.id)
                elif await self._delete(info):
                    deleted.append(info.id)
            except (VersionConflict, SessionFenced):
                kept.append(info.id)
        return Cleaned(deleted=tuple(deleted), kept=tuple(kept))

    async def _delete(self, info: SessionInfo) -> bool:
        return await self.adapter.sessions.delete(
            info.id, key=info.key, expected=info.version, last_seq=info.last_seq
        )

    def __str__(self) -> str:
        rows = [("session", "user", "status", "last written (UTC)", "messages"), *map(_row, self.sessions)]
        widths = [min(max(map(len, column)), _WIDEST) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(_cell, row, widths)).rstrip() for row in rows]
        more = ", and there are more" if self.more else ""
        return "\n".join([*lines, f"{len(self.sessions)} not written since {_shown(self.before)} UTC{more}"])


async def plan_cleanup(
    adapter: Adapter,
    *,
    now: datetime,
    older_than: timedelta,
    status: str | None = None,
    user_id: str | None = None,
    agent: str | None = None,
    limit: int = 1000,
) -> CleanupPlan:
    """Find the sessions that nobody has written for long; nothing is deleted.

    Sessions of the top level are listed; those below one go with it, and keep it as long as they are in use.

    Args:
        adapter: Where they are.
        now: The time.
        older_than: Not written for so long.
        status: With this status alone.
        user_id: Of this user alone.
        agent: With this agent alone.
        limit: At most so many, oldest first.

    Raises:
        InvalidArgument: An argument is wrong.
    """
    if type(limit) is not int or limit < 1:
        raise InvalidArgument("limit must be a positive integer.")
    before = cut_off(now, older_than)
    query = SessionQuery(user_id=user_id, agent=agent, status=status, updated_before=before, order="created")
    found = await _idle_ones(adapter, query, before, limit + 1)
    return CleanupPlan(sessions=tuple(found[:limit]), more=len(found) > limit, before=before, adapter=adapter)


async def _idle_ones(adapter: Adapter, query: SessionQuery, before: datetime, limit: int) -> list[SessionInfo]:
    found: list[SessionInfo] = []
    async with aclosing(walk(adapter, query)) as infos:
        async for info in infos:
            if await _is_idle(adapter, info, before):
                found.append(info)
            if len(found) == limit:
                break
    return found


def cut_off(now: Any, older_than: Any) -> datetime:
    """The time that is ``older_than`` before ``now``.

    Raises:
        InvalidArgument: One of them is none.
    """
    if not isinstance(now, datetime) or not isinstance(older_than, timedelta) or older_than < timedelta():
        raise InvalidArgument("now is a datetime, and older_than a timedelta that is not negative.")
    try:
        return utc(now) - older_than
    except OverflowError as error:
        raise InvalidArgument("older_than is longer than time itself.") from error


async def _is_idle(adapter: Adapter, info: SessionInfo, before: datetime) -> bool:
    """Whether neither it nor any session below it was written since; of itself, that is as it was listed."""
    async with aclosing(family(adapter, info)) as members:
        async for member in members:
            if member.updated_at is not None and member.updated_at >= before:
                return False
    return True


def _row(info: SessionInfo) -> tuple[str, ...]:
    return info.id, info.user_id or "-", info.status, _shown(info.updated_at), str(info.message_count)


def _cell(text: str, width: int) -> str:
    return (text if len(text) <= width else text[: width - 1] + "…").ljust(width)


def _shown(time: datetime | None) -> str:
    return "-" if time is None else utc(time).strftime("%Y-%m-%d %H:%M")
