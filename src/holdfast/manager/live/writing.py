"""How a draft becomes durable: segment by segment, each of them stored once, whoever else writes."""

from contextlib import AsyncExitStack
from itertools import count
from typing import Any

from holdfast.errors import (
    DuplicateIdConflict,
    HoldfastError,
    NotFound,
    OutcomeUnknown,
    VersionConflict,
)
from holdfast.manager.live.draft import Draft
from holdfast.manager.live.held import Held
from holdfast.manager.live.merging import MergeConflict
from holdfast.manager.live.replays import forgotten, stored_before
from holdfast.manager.live.snapshots import Snapshot
from holdfast.manager.telling import tell_saved
from holdfast.models import Committed, Turn

__all__ = ["Writing"]

_TRIES = 100  # of a segment that others keep overtaking; each of them means that another write went through


class Writing:
    """A draft on its way to the store.

    Attributes:
        draft: What is to be stored.
        committed: What was stored last.
        done: Whether it has ended, and nothing of it is left to store.
        replaced_by: A newer state, which says it all.
        failed: Why the last try to store it has failed, for those for whom somebody else has tried.
    """

    def __init__(self, held: Held[Any], draft: Draft, *, repeatable: bool = False) -> None:
        self.draft = draft
        self.committed: Committed | None = None
        self.done = False
        self.failed: HoldfastError | None = None
        self.replaced_by: Writing | None = None
        self._held = held
        self._maybe_stored = repeatable  # by an earlier run, or with the state that was given up since
        self._segment = 0
        self._version: int | None = None  # what the segment before has left behind, and this one expects
        self._last_seq: int | None = None
        self._given_up = False  # whether theirs is taken, whatever it is
        self._resend = 0  # so many of the messages may be stored, with a state that was given up since
        self._sent: tuple[Turn, Snapshot] | None = None  # what may be stored, though no answer came

    @property
    def unsure(self) -> bool:
        """Whether something was sent, and no answer came."""
        return self._sent is not None

    def replace_tail(self, removed: tuple[int, int], last_seq: int) -> None:
        """Remove these messages first, if nobody has appended since ``last_seq``."""
        self.draft.remove = removed
        self._last_seq = last_seq

    def expect(self, version: int) -> None:
        """Another version is there now, and it is taken into account."""
        if self._version is not None:
            self._version = version

    def drop_state(self, theirs: Snapshot) -> None:
        """Bring messages alone, behind whatever others have written."""
        self.draft.drop_states(theirs)
        self._resend_without_state()
        self._given_up = True
        self._version = None
        self._last_seq = None if self.draft.remove is None else self._last_seq

    def _resend_without_state(self) -> None:
        """What was sent without an answer is sent again, without its state: the store has it, or takes it now."""
        if self._sent is None:
            return
        self._maybe_stored = True
        self._resend = len(self._sent[0].messages)
        if not self._resend:  # there is nothing to send again; but the state that is given up may have this number
            self._segment += 1
        self._sent = None

    async def store(self) -> Committed | None:
        """Store everything that is there to store; what a hook raises afterwards is kept in ``Held.late``.

        Returns:
            What was stored last; None if there was nothing.
        """
        committed: Committed | None = None
        while self._sent is not None or self._resend:  # then comes what was added since
            committed = await self._store_segment()
        return await self._store_segment() or committed

    async def _store_segment(self) -> Committed | None:
        """Store what is there in one step, on top of whatever others store meanwhile; None if there is nothing."""
        async with AsyncExitStack() as place_in_line:
            for tries in count(1):
                resent = self._sent is not None
                self._sent = self._sent or await self._prepare()
                if self._sent is None:
                    break
                try:
                    return await self._send(*self._sent, resent=resent)
                except HoldfastError as error:
                    await self._tell(error)
                    if not self._may_go_on(error) or tries == _TRIES:
                        raise
                    await self._wait(place_in_line, tries)
                    if not await self._go_on(error):
                        raise
        return None

    async def _wait(self, place_in_line: AsyncExitStack, tries: int) -> None:
        politeness = self._held.context.politeness
        if tries == 1:
            await place_in_line.enter_async_context(politeness.line(self._held.session.id))
        else:
            await politeness.pause(tries)

    async def _prepare(self) -> tuple[Turn, Snapshot] | None:
        if self.draft.refresh is not None:
            await self.draft.refresh()
        made = self._made()
        hooks = self._held.context.hooks
        if made is not None and "before_save" in hooks:
            await hooks.ask("before_save", made[0].model_copy(deep=True))
        return made

    def _made(self) -> tuple[Turn, Snapshot] | None:
        """What is to be stored now; None if nothing has changed, and so nothing is written."""
        held, draft = self._held, self.draft
        now = draft.after or held.to_send()
        changed = not held.session.version or now != held.base
        if not changed and not draft.pending and draft.remove is None:
            draft.before = draft.before and now  # a checkpoint all the same
            self.done = draft.after is not None
            return None
        turn = Turn(
            id=draft.turn_id,
            segment=self._segment,
            session_id=held.session.id,
            key=held.session.key,
            messages=tuple(draft.pending[: self._resend or None]),
            session=now.session(held.session) if changed else None,
            expected=None if changed else self._version,
            last_seq=self._last_seq,
            remove=draft.remove,
        )
        return turn, now

    async def _send(self, turn: Turn, snapshot: Snapshot, *, resent: bool) -> Committed:
        """Commit what was prepared."""
        try:
            committed = await self._held.context.adapter.commit(turn)
        except HoldfastError as error:
            if isinstance(error, OutcomeUnknown) or (resent and error.retryable):
                raise  # this try, or the first one, may be stored
            if resent and forgotten(error):
                raise OutcomeUnknown("Others have saved so often since that nobody can tell.") from error
            self._sent = None  # nothing of it was stored
            first = await self._answered_before(error, turn)
            if first is None:
                raise
            committed = first
        await self._stored(committed, turn, snapshot)
        return committed

    async def _answered_before(self, error: HoldfastError, turn: Turn) -> Committed | None:
        """The answer to an earlier try, if that has stored its messages, with a state that is not brought now."""
        if isinstance(error, DuplicateIdConflict) and self._maybe_stored and turn.session is None:
            return await stored_before(self._held.context.adapter, turn)
        return None

    async def _stored(self, committed: Committed, turn: Turn, snapshot: Snapshot) -> None:
        held, draft = self._held, self.draft
        base = held.base if held.session.version else None
        held.adopt(committed, turn, snapshot)
        self.committed = committed
        self._version, self._last_seq = committed.session.version, committed.session.last_seq
        self._segment += 1
        self._sent, self._resend, self._given_up = None, 0, False
        draft.forget(len(turn.messages))
        draft.before, draft.remove, draft.refresh = snapshot, None, None
        self.done = draft.after is not None and not draft.pending and held.base == draft.after
        with held.late:
            await tell_saved(held.context, turn, committed, base)

    # --- when others were faster ---------------------------------------------------------------

    async def _tell(self, error: HoldfastError) -> None:
        if isinstance(error, VersionConflict):
            error.turn = self.draft.turn
            await self._held.context.hooks.note("on_conflict", error)

    def _may_go_on(self, error: HoldfastError) -> bool:
        """Whether it may be tried again on top of what somebody else has stored."""
        creation = not self._held.session.version
        if not isinstance(error, VersionConflict):
            return creation and isinstance(error, NotFound)
        if error.guard == "version":
            return creation or self._held.context.settle is not None
        return self._given_up

    async def _go_on(self, error: HoldfastError) -> bool:
        """Go on from what somebody else has stored; False if that cannot be."""
        if isinstance(error, VersionConflict) and error.guard != "version":
            self.draft.remove = self._last_seq = None  # what others have said since stays, and what they saw of it
            return True
        theirs = await self._held.find_theirs()
        if theirs is None:
            return False
        try:
            self._held.rebase(theirs)
        except MergeConflict as conflict:
            if isinstance(error, VersionConflict):
                error.paths = conflict.paths
            return False
        return True
