"""A handle: one place where a session is in use, as its turns and its opening see it."""

from typing import Generic, Literal

from holdfast.errors import HoldfastError, InvalidArgument
from holdfast.manager.context import Context
from holdfast.manager.data.data_type import D
from holdfast.manager.live.autosave import Autosave
from holdfast.manager.live.held import Held
from holdfast.manager.live.outbox import Outbox
from holdfast.manager.live.writing import Writing
from holdfast.models import Committed, Session

__all__ = ["Handle"]


class Handle(Generic[D]):
    """What is held of a session, what is on its way to the store, and the turn that is open.

    Attributes:
        context: The manager's settings.
        held: The value, and what the store has of it.
        outbox: What has ended and is not durable yet.
        open: What the open turn brings; None between turns.
    """

    def __init__(self, context: Context[D], session: Session) -> None:
        self.context = context
        self.held = Held(context, session)
        self.outbox = Outbox(self.held)
        self.open: Writing | None = None

    @property
    def id(self) -> str:
        """The session's id."""
        return self.held.session.id

    def begin(self, writing: Writing) -> None:
        """A turn begins; one at a time on one handle, since they would share its state."""
        if self.open is not None:
            raise InvalidArgument("A turn is open on this handle; a tool inside it opens a session of its own.")
        self.open = writing
        self.held.writings.append(writing)

    def end(self, writing: Writing) -> None:
        """The turn has ended."""
        self.open = None
        self.held.writings.remove(writing)

    def stores_at_once(self, writing: Writing) -> bool:
        """Whether a turn is to be durable when it ends: by its autosave, or since too much waits."""
        return self.context.autosave == "turn" or not self.context.backlog.takes(writing.draft.size)

    async def store(self, writing: Writing, *, state: Literal["theirs"] | None = None) -> Committed | None:
        """Store a turn now, behind those that wait."""
        return await self.context.watched("save", self.id, lambda: self.outbox.store(writing, state=state))

    async def flush(self, state: Literal["theirs"] | None = None) -> None:
        """See ``LiveSession.flush``."""
        self._check_no_turn_open()
        await self.context.watched("save", self.id, lambda: self.make_durable(state))

    async def make_durable(self, state: Literal["theirs"] | None = None) -> None:
        """Flush, where somebody else watches what comes of it."""
        if state is not None:
            await self.outbox.take_theirs()
        writing, unstorable = self._add_state()
        try:
            await self.outbox.store_all()
        except BaseException:
            self.outbox.take_back(writing)
            raise
        if writing is not None:
            self.outbox.check_stored(writing)
        if unstorable is not None and not (state is not None and self.held.unreadable is not None):
            raise unstorable
        self.outbox.surface()

    def _add_state(self) -> tuple[Writing | None, HoldfastError | None]:
        """Add the state to what waits; or why it cannot be stored, which keeps no turn from being stored."""
        try:
            return self.outbox.add_state(), None
        except HoldfastError as error:
            return None, error

    def touch(self) -> None:
        """See ``LiveSession.touch``."""
        self._check_no_turn_open()
        if isinstance(self.context.autosave, Autosave):
            self.outbox.add_state(bounded=True)

    def _check_no_turn_open(self) -> None:
        if self.open is not None:
            raise InvalidArgument("A turn is open: its end, or turn.checkpoint(), stores the state.")

    async def _flush_at_the_end(self) -> None:
        if self.open is not None:  # which is refused; what has ended is stored all the same
            await self.context.watched("save", self.id, self.outbox.store_all)
        await self.flush()

    async def leave(self, *, failed: bool) -> None:
        """The session is left: store what is to be stored now.

        Args:
            failed: It is left by an exception: then nothing more is stored than the turns that have ended, and
                those only if they are stored without being asked for.
        """
        autosave = self.context.autosave
        if autosave == "off" or (failed and autosave == "session"):
            self.outbox.drop()
        try:
            if not failed and autosave != "off":
                await self._flush_at_the_end()
        except Exception as error:
            if not isinstance(autosave, Autosave) or not (isinstance(error, HoldfastError) and error.retryable):
                self.outbox.release()  # it is told, and will not be tried again behind the caller's back
            raise
        except BaseException:
            self.context.backlog.save_soon(self.outbox)  # whoever left was cancelled, and cannot be told
            raise
        finally:
            self.context.backlog.left(self.outbox)
