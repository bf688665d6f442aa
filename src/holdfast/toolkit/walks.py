"""Walks over a session's messages: where a page begins, in which direction, and the cursor to the next one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from holdfast.capabilities import Limits
from holdfast.errors import CursorLost, InvalidArgument
from holdfast.toolkit.checks import check_int, check_limit
from holdfast.toolkit.cursors import read_cursor, write_cursor
from holdfast.toolkit.store import Head, Ref, Row, SessionKey, Span

__all__ = ["Walk", "read_walk", "start_walk"]

_PLACE = (str, bool, bool, int, (int, type(None)), int, int, str)  # as next_cursor writes it


@dataclass(kw_only=True)
class Walk:
    """One page of a walk.

    Attributes:
        after: The walk's own lower bound.
        before: Its own upper bound.
        newest: Whether it goes from the newest to older ones.
        aligned: Whether its pages grow back to the beginning of their first turn.
        limit: How many a page.
        key: From a cursor: the life that it was in.
        anchor: From a cursor: position and id of the last row of the page before.
        more: Whether something follows; known once the page was read.
    """

    after: int = 0
    before: int | None = None
    newest: bool = False
    aligned: bool = False
    limit: int
    key: str | None = None
    anchor: tuple[int, str] | None = None
    more: bool = field(default=False, init=False)

    def check(self, head: Head) -> None:
        """Compare the head with the cursor.

        Raises:
            CursorLost: It is another life, or the anchor was never given here: the backend was restored.
        """
        if self.key is not None and self.key != head.key.key:
            raise CursorLost(f"Session {head.key.id!r}.")
        if self.anchor is not None and self.anchor[0] >= head.next_seq:
            raise CursorLost(f"Session {head.key.id!r}.")

    def span(self) -> Span:
        """What to read: the page, one more to see whether something follows, and the anchor to check it."""
        after, before, extra = self.after, self.before, 1
        if self.anchor is not None:
            extra = 2
            if self.newest:
                before = self.anchor[0] + 1
            else:
                after = self.anchor[0] - 1
        return Span(after=after, before=before, last=self.newest, limit=self.limit + extra)

    def page(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The page's own rows of what was read.

        Raises:
            CursorLost: Another message stands in the anchor's place.
        """
        rows = self._without_anchor(rows)
        self.more = len(rows) > self.limit
        if not self.more:
            return rows
        return rows[-self.limit :] if self.newest else rows[: self.limit]

    def _without_anchor(self, rows: Sequence[Row]) -> Sequence[Row]:
        if self.anchor is None or not rows:
            return rows
        seq, id_ = self.anchor
        found = rows[-1] if self.newest else rows[0]
        if found.seq != seq:
            return rows  # the anchor was removed since
        if found.id != id_:
            raise CursorLost
        return rows[:-1] if self.newest else rows[1:]

    def next_cursor(self, key: SessionKey, rows: Sequence[Row]) -> str | None:
        """The cursor to the page that follows these rows, or None."""
        if not self.more:
            return None
        edge = rows[0] if self.newest else rows[-1]
        place = [key.key, self.newest, self.aligned, self.after, self.before, self.limit, edge.seq, edge.id]
        return write_cursor(list(key.ref), place)


def start_walk(after: int | None, before: int | None, last: int | None, limit: int | None, limits: Limits) -> Walk:
    """A walk from its beginning.

    Raises:
        InvalidArgument: An argument is wrong, or two do not go together.
    """
    if last is not None and not after is before is limit is None:
        raise InvalidArgument("last goes neither with after and before nor with limit.")
    return Walk(
        after=0 if after is None else check_int(after, "after", low=0),
        before=None if before is None else check_int(before, "before", low=0),
        newest=last is not None or before is not None,
        limit=check_limit(limit if last is None else last, "limit" if last is None else "last", limits),
    )


def read_walk(
    cursor: str,
    ref: Ref,
    limits: Limits,
    *,
    after: int | None,
    before: int | None,
    last: int | None,
    limit: int | None,
) -> Walk:
    """A walk that goes on from a cursor; the other arguments may be repeated, not changed.

    Raises:
        InvalidArgument: It is no cursor of this session, or an argument differs from the walk's.
    """
    key, newest, aligned, low, high, size, seq, id_ = read_cursor(cursor, list(ref), _PLACE)
    if high is not None:
        check_int(high, "cursor", low=0)
    for given, bound, name in ((after, low, "after"), (before, high, "before")):
        if given is not None and check_int(given, name, low=0) != bound:
            raise InvalidArgument(f"{name} belongs to the walk: leave it out, or repeat it.")
    if last is not None and not newest:
        raise InvalidArgument("This walk goes to newer messages; last would turn it round.")
    wanted = limit if last is None else last
    return Walk(
        after=check_int(low, "cursor", low=0),
        before=high,
        newest=newest,
        aligned=aligned,
        limit=check_limit(size if wanted is None else wanted, "limit", limits),
        key=key,
        anchor=(check_int(seq, "cursor", low=1), id_),
    )
