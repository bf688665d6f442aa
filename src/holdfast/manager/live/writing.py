"""How a turn becomes durable: segment by segment, each of them stored once, whoever else writes."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

from holdfast.codec import encode_message
from holdfast.errors import (
    DuplicateIdConflict,
    HoldfastError,
    HookFailed,
    InvalidArgument,
    NotFound,
    OutcomeUnknown,
    VersionConflict,
)
from holdfast.manager.live.held import Held
from holdfast.manager.live.merging import MergeConflict
from holdfast.manager.live.snapshots import Snapshot
from holdfast.models import Committed, Message, Turn

__all__ = ["Writing"]

_TRIES = 100  # of a turn that others keep overtaking; each of them means that another write went through


class Writing:
    """What a turn brings, and what of it is stored.

    Attributes:
        id: The turn's.
        turn: The user's turn, where it is one.
        pending: The messages that are not durable yet.
        remove: What is removed first, where the turn replaces the end of the transcript.
        before: The state that is put back if the turn fails: that of its beginning, or of its last segment.
        after: The state that it leaves behind, once it has ended; until then, that is what is held.
        size: How many bytes wait here.
        committed: What was stored last.
        failed: Why the last try to store it has failed, for those for whom somebody else has tried.
        look_again: Called before the first segment is sent: what it says again may have changed since.
    """

    def __init__(self, held: Held[Any], turn_id: str, *, turn: Any = None, repeatable: bool = False) -> None:
        self.id = turn_id
        self.turn = turn
        self.pending: list[Message] = []
        self.remove: tuple[int, int] | None = None
        self.before: Snapshot | None = None
        self.after: Snapshot | None = None
        self.size = 0
        self.committed: Committed | None = None
        self.failed: HoldfastError | None = None
        self.look_again: Callable[[], Awaitable[None]] | None = None
        self._held = held
        self._maybe_stored = repeatable  # by an earlier run, or with the state that was given up since
        self._segment = 0
        self._version: int | None = None  # what the segment before has left behind, and this one expects
        self._last_seq: int | None = None
        self._given_up = False  # whether theirs is taken, whatever it is
        self._of_sent = 0  # so many of the messages may be stored, with a state that was given up since
        self._sent: tuple[Turn, Snapshot] | None = None  # what may be stored, though no answer came

    @property
    def unsure(self) -> bool:
        """Whether something was sent, and no answer came."""
        return self._sent is not None

    def end(self) -> None:
        """The turn has ended: this is the state that it leaves behind."""
        self.after = self._held.snapshot()
        self.size += self.after.state.size

    def replace_tail(self, removed: tuple[int, int], last_seq: int) -> None:
        """Remove these messages first, if nobody has appended since ``last_seq``."""
        self.remove = removed
        self._last_seq = last_seq

    def expect(self, version: int) -> None:
        """Another version is there now, and it is taken into account."""
        if self._version is not None:
            self._version = version

    def drop_state(self, theirs: Snapshot) -> None:
        """Bring messages alone, behind whatever others have written."""
        self.before = theirs if self.before is not None else None
        self.after = theirs if self.after is not None else None
        self._ask_for_sent()
        self._given_up = True
        self._version = None
        self._last_seq = None if self.remove is None else self._last_seq

    def _ask_for_sent(self) -> None:
        """What was sent without an answer is sent again, without its state: the store has it, or takes it now."""
        if self._sent is None:
            return
        self._maybe_stored = True
        self._of_sent = len(self._sent[0].messages)
        self._segment += not self._of_sent  # without messages there is nothing to send again
        self._sent = None

    async def store(self) -> Committed | None:
        """Store everything that is there to store.

        Returns:
            What was stored last; None if there was nothing.

        Raises:
            HookFailed: All of it is stored.
        """
        committed: Committed | None = None
        failed: HookFailed | None = None
        async with AsyncExitStack() as line:
            for tries in count(1):
                # Of a try without an answer; then comes what was added since.
                again = self._sent is not None or self._of_sent > 0
                self._sent = self._sent or await self._prepare()
                if self._sent is None:
                    break
                try:
                    committed = await self._send(*self._sent)
                except HookFailed as error:
                    failed, again = failed or error, True
                except HoldfastError as error:
                    if not await self._overtaken(error) or tries == _TRIES:
                        raise
                    await self._wait_in(line, tries)
                    if not await self._gone_on(error):
                        raise
                    again = True
                if not again:
                    break
        if failed is not None:
            raise failed
        return committed

    async def _wait_in(self, line: AsyncExitStack, tries: int) -> None:
        politeness = self._held.context.politeness
        if tries == 1:
            await line.enter_async_context(politeness.line(self._held.session.id))
        else:
            await politeness.pause(tries)

    async def _prepare(self) -> tuple[Turn, Snapshot] | None:
        if self.look_again is not None:
            await self.look_again()
        made = self._made()
        hooks = self._held.context.hooks
        if made is not None and "before_save" in hooks:
            await hooks.ask("before_save", made[0].model_copy(deep=True))
        return made

    def _made(self) -> tuple[Turn, Snapshot] | None:
        """What is to be stored now; None if nothing has changed, and so nothing is written."""
        held, now = self._held, self.after or self._held.to_send()
        changed = not held.session.version or now != held.base
        if not changed and not self.pending and self.remove is None:
            self.before = self.before and now  # a checkpoint all the same
            return None
        turn = Turn(
            id=self.id,
            segment=self._segment,
            session_id=held.session.id,
            key=held.session.key,
            messages=tuple(self.pending[: self._of_sent or None]),
            session=now.session(held.session) if changed else None,
            expected=None if changed else self._version,
            last_seq=self._last_seq,
            remove=self.remove,
        )
        return turn, now

    async def _send(self, turn: Turn, snapshot: Snapshot) -> Committed:
        """Commit what was prepared."""
        try:
            committed = await self._held.context.adapter.commit(turn)
        except OutcomeUnknown:
            raise
        except HoldfastError as error:
            self._sent = None  # nothing of it was stored
            stored = await self._find_stored(turn) if self._ran_before(error, turn) else None
            if stored is None:
                raise
            committed = stored
        await self._stored(committed, turn, snapshot)
        return committed

    async def _stored(self, committed: Committed, turn: Turn, snapshot: Snapshot) -> None:
        held = self._held
        before = held.base if held.session.version else None
        held.adopt(committed, turn, snapshot)
        self._version, self._last_seq = committed.session.version, committed.session.last_seq
        del self.pending[: len(turn.messages)]
        self._segment += 1
        self._sent = None
        self._of_sent = 0
        self._given_up = False
        self.look_again = None
        self.committed = committed
        self.remove = None
        self.before = snapshot
        await held.context.saved(turn, committed, before)

    async def _overtaken(self, error: HoldfastError) -> bool:
        """Whether somebody else was faster, and it can be tried again on top of what he has stored."""
        held = self._held
        creation = not held.session.version
        if not isinstance(error, VersionConflict):
            return creation and isinstance(error, NotFound)
        error.turn = self.turn
        await held.context.hooks.note("on_conflict", error)
        if error.guard == "version":
            return creation or held.context.settle is not None
        if self._given_up:
            self.remove = self._last_seq = None  # what others have said since stays, and so does what they saw
        return self._given_up

    async def _gone_on(self, error: HoldfastError) -> bool:
        """Whether this handle goes on from what somebody else has stored first."""
        if isinstance(error, VersionConflict) and error.guard != "version":
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

    def _ran_before(self, error: HoldfastError, turn: Turn) -> bool:
        """Whether an earlier try may have stored its messages, with a state that this one does not bring."""
        return isinstance(error, DuplicateIdConflict) and self._maybe_stored and turn.session is None

    async def _find_stored(self, turn: Turn) -> Committed | None:
        """The answer to a turn of messages alone, if all of them are stored by this turn already."""
        adapter = self._held.context.adapter
        session = await adapter.sessions.get(turn.session_id)
        found = [await adapter.messages.get(turn.session_id, message.id) for message in turn.messages]
        for mine, theirs in zip(turn.messages, found, strict=True):
            if theirs is None or (theirs.turn_id, theirs.segment) != (turn.id, turn.segment):
                return None
            if encode_message(mine, adapter.limits).digest != encode_message(theirs, adapter.limits).digest:
                return None
        if session is None:
            return None
        return Committed(session, tuple(message for message in found if message), replayed=True)

    def put_back(self) -> None:
        """Make the held state again what it was before this turn, or after its last segment."""
        if self.before is not None:
            self._held.put_back(self.before)

    def check_unchanged(self) -> None:
        """Return if the held state is still what it was when this turn had failed.

        Raises:
            InvalidArgument: It was changed since; storing this turn's state would undo that.
        """
        if self._held.snapshot() != self.before:
            raise InvalidArgument("The session was changed since this turn failed.")
