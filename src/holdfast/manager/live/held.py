"""A session that is held in memory: its value, its data, and what the store has of it."""

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, cast

from holdfast.codec import decode_state
from holdfast.errors import InvalidArgument, InvalidData, NotFound
from holdfast.manager.context import Context
from holdfast.manager.data.data_type import D
from holdfast.manager.data.in_hand import in_hand
from holdfast.manager.live.conflicts import rebased
from holdfast.manager.live.late import LateHookFailure
from holdfast.manager.live.pouring import poured
from holdfast.manager.live.settling import settled
from holdfast.manager.live.snapshots import COLUMNS, Snapshot
from holdfast.manager.live.status import note_completion
from holdfast.manager.loading import load
from holdfast.models import Committed, Session, SessionInfo, Turn
from holdfast.values import identical

if TYPE_CHECKING:
    from holdfast.manager.live.writing import Writing

__all__ = ["Held"]

_TABLES = ("data", "data_by_route", "metadata")
_MOVED_BY_ALL = ("key", "last_seq", "message_count", "last_message_at", "created_at", "updated_at")


class Held(Generic[D]):
    """One handle's session. Whoever uses it changes ``data`` and ``session`` in place.

    Attributes:
        context: The manager's settings.
        session: The value. With typed data, ``session.data`` is its plain form as of the last snapshot.
        base: What the store has; for a new session, what it began with.
        unreadable: Why this program cannot read what others have stored, and this handle has taken over.
        late: What hooks have raised after saves, and nobody was told yet.
        writings: What is on its way to the store, oldest first: it goes along when others were faster.
    """

    def __init__(self, context: Context[D], session: Session) -> None:
        self.context = context
        self.session = session
        self.late = LateHookFailure()
        self.writings: list[Writing] = []
        self.unreadable: InvalidData | None = None
        self._in_hand = in_hand(context.data_type, session)
        self.base = self.snapshot()

    @property
    def data(self) -> D:
        """The user's data, as he knows it."""
        return self._in_hand.value

    @data.setter
    def data(self, value: D) -> None:
        self._in_hand.value = value

    def merge_data(self, changes: dict[str, Any]) -> None:
        """Set top-level keys of the plain data."""
        if type(changes) is not dict:
            raise InvalidArgument(f"changes is {type(changes).__name__}, not dict.")
        self._in_hand.merge(changes)

    def snapshot(self) -> Snapshot:
        """The state as it is now.

        Raises:
            InvalidArgument: Something in it cannot be stored.
            InvalidData: This program cannot read what others have stored, and this handle has taken that over.
        """
        if self.unreadable is not None:
            raise self.unreadable
        self._in_hand.to_session()
        note_completion(self.session, self.context.clock)
        return Snapshot.of(self.session, self.context.adapter.limits)

    def to_send(self) -> Snapshot:
        """The state as a turn leaves it behind; theirs, as it is, where it was taken over and cannot be read."""
        return self.base if self.unreadable is not None else self.snapshot()

    def put_back(self, snapshot: Snapshot) -> None:
        """Make the state again what it was; data that was handed out stays the object that is stored."""
        if self.unreadable is not None:
            return
        data = self.data
        snapshot.put_back(self.session)
        self.data = cast("D", poured(self._in_hand.of_session(), data))

    def _change(self, old: Snapshot, new: Snapshot) -> None:
        """Go from the state as it is to another one; what is the same in both stays the object that it was."""
        if old == new:
            return
        before = decode_state(old.state.body)
        held = {name: dict(getattr(self.session, name)) for name in _TABLES}
        self.put_back(new)
        for name in _TABLES:
            table, was = getattr(self.session, name), before.get(name, {})
            for key in table.keys() & was.keys() & held[name].keys():
                if identical(table[key], was[key]):
                    table[key] = held[name][key]

    def adopt(self, committed: Committed, turn: Turn, sent: Snapshot) -> None:
        """A turn is durable: that is what the store has now."""
        info = committed.session
        for name in _MOVED_BY_ALL:
            setattr(self.session, name, getattr(info, name))
        if turn.session is None:
            return  # the version here stays: if another one is there now, the next save must fail
        self.session.version = info.version
        self.base = sent

    async def find_theirs(self) -> Session | None:
        """The session as others have left it; None if it is gone, lives another life, or is somebody else's."""
        return self._if_mine(await load(self.context, self.session.id))

    def _if_mine(self, theirs: Session | None) -> Session | None:
        if theirs is None or self.session.user_id not in {None, theirs.user_id}:
            return None
        return theirs if self.session.key in {None, theirs.key} else None

    def rebase(self, theirs: Session) -> None:
        """Go on from what others have stored, with what was changed here made again on top of it.

        Raises:
            MergeConflict: It cannot be settled; nothing has changed here.
        """
        mine = self.snapshot()
        states = [state for writing in self.writings for state in writing.draft.states()]
        limits = self.context.adapter.limits
        made = rebased(self.base, [*states, mine], theirs, partial(settled, self.context), limits)
        following = iter(made)
        for writing in self.writings:
            writing.draft.rebase(following)
            writing.expect(theirs.version)
        self._go_on(theirs)
        self._change(mine, made[-1])

    async def take_theirs(self) -> None:
        """Go on from what others have stored; what was changed here is dropped.

        Raises:
            NotFound: The session is gone.
        """
        unreadable: InvalidData | None = None
        try:
            theirs = await self.find_theirs()
        except InvalidData as error:  # by this program: its messages can be stored all the same, and nothing else
            theirs, unreadable = self._if_mine(error.session), error
        if theirs is None:
            raise NotFound(f"Session {self.session.id!r}.")
        now = Snapshot.of(theirs, self.context.adapter.limits)
        for writing in self.writings:
            writing.drop_state(now)
        self._go_on(theirs)
        self.unreadable = unreadable
        if unreadable is None:
            self.put_back(now)

    def _go_on(self, theirs: Session) -> None:
        for name in SessionInfo.model_fields.keys() - COLUMNS:
            setattr(self.session, name, getattr(theirs, name))
        self.base = Snapshot.of(theirs, self.context.adapter.limits)
