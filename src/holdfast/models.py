"""What holdfast keeps: sessions, messages, and the turns in which they become durable.

All of them are pydantic models. What breaks their rules is refused when they are made, with an error of
ours that names the place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from holdfast.clock import utc, utc_now
from holdfast.errors import CorruptRecord, InvalidArgument
from holdfast.ids import check_id, new_id
from holdfast.parts import Part, Text, ToolCall, ToolResult
from holdfast.strict import StrictModel

__all__ = [
    "Committed",
    "Expected",
    "Message",
    "Page",
    "RouteVisit",
    "Session",
    "SessionInfo",
    "SessionQuery",
    "Turn",
]

T_co = TypeVar("T_co", covariant=True)

Time = Annotated[AwareDatetime, AfterValidator(utc)]


def _check(value: object, info: ValidationInfo) -> str:
    return check_id(value, info.field_name or "an identifier")


Identifier = Annotated[str, BeforeValidator(_check)]
Expected = int | Literal["any"]
"""A version that a write expects; ``"any"`` writes over whatever is there."""


class _Value(StrictModel):
    model_config = ConfigDict(frozen=True)


class Message(_Value):
    """One message of a session: a value, which never changes once it is made.

    ``tool_calls=[…]`` and ``tool_call_id=…`` may be given in place of parts, and are read from them.

    Attributes:
        id: The caller's, or made with the message. Appending one id twice stores it once.
        seq: Its position in the session, 1, 2, 3…; given by the store.
        turn_id: The turn that brought it; given by the store.
        segment: The part of that turn, 0, 1, 2…; given by the store.
        role: Who speaks: ``user``, ``assistant``, ``system``, ``tool``, or any other word.
        content: Text, or a list of parts.
        name: The speaker's name.
        route: Where in the agent's flow it was said.
        step: The same, finer.
        user_id: The person who said it, in a session of several.
        metadata: Anything else, as plain values.
        raw: A framework's own form of this message, kept without loss.
        format: Whose form ``raw`` is in: ``openai.responses/1``.
        created_at: The caller's, else the adapter's clock when it is stored. It never decides order.
    """

    typed_levels: ClassVar[Mapping[str, int]] = {"content": 3, "raw": 0}

    id: Identifier = Field(default_factory=new_id)
    seq: int | None = None
    turn_id: Identifier | None = None
    segment: int = 0
    role: Identifier
    content: str | list[Part] = ""
    name: str | None = None
    route: str | None = None
    step: str | None = None
    user_id: Identifier | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    raw: Any = None
    format: str | None = None
    created_at: Time | None = None

    @model_validator(mode="before")
    @classmethod
    def _parts_of_conveniences(cls, fields: Any) -> Any:
        if type(fields) is not dict or not fields.keys() & {"tool_calls", "tool_call_id"}:
            return fields
        calls, answered = fields.pop("tool_calls", None), fields.pop("tool_call_id", None)
        content: Any = fields.get("content") or ""
        if answered is not None:
            result = {"type": "tool_result", "call_id": answered, "content": content, "name": fields.get("name")}
            return {**fields, "content": [result]}
        if type(calls) not in {list, tuple, type(None)} or type(content) not in {str, list}:
            raise InvalidArgument("tool_calls is a list, beside a content that is text or parts.")
        said: list[Any] = [Text(text=content)] if type(content) is str and content else list(content)
        made = [{"type": "tool_call", **call} if type(call) is dict else call for call in calls or ()]
        return {**fields, "content": [*said, *made]}

    @property
    def text(self) -> str:
        """The words alone: the content, or its text parts one after the other."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, Text))

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that this message asks for."""
        parts = () if isinstance(self.content, str) else self.content
        return [part for part in parts if isinstance(part, ToolCall)]

    @property
    def tool_call_id(self) -> str | None:
        """The call that this message answers, where it answers one."""
        parts = () if isinstance(self.content, str) else self.content
        return next((part.call_id for part in parts if isinstance(part, ToolResult)), None)


class RouteVisit(_Value):
    """One stay on a route of the agent's flow."""

    route: str
    entered_at: Time
    exited_at: Time | None = None
    completed: bool = False


class SessionInfo(StrictModel):
    """What is known of a session without its state: what listings and commits give.

    Attributes:
        id: The caller's name for the session.
        key: Which life of that id this is: random, given at creation; None before.
        user_id: Whose it is; fixed at creation.
        agent: Which agent serves it.
        parent_id: The session that it belongs to, for a sub-agent's; fixed at creation.
        status: ``active``, ``completed``, ``abandoned``, ``failed``, or any other word.
        version: Counts the changes of the state; 0 before it is stored. Appending does not change it.
        last_seq: The highest position that a message was ever given; only appending moves it.
        message_count: How many messages are stored now.
        last_message_at: The time of the message appended last.
        created_at: When it was stored first, by the adapter's clock.
        updated_at: When it was written last, by the adapter's clock.
        completed_at: When it was completed.
        expires_at: After this it is gone, transcript and all.
        state_expires_at: After this its state reads as empty; the transcript stays.
    """

    id: Identifier
    key: str | None = None
    user_id: Identifier | None = None
    agent: Identifier | None = None
    parent_id: Identifier | None = None
    status: Identifier = "active"
    version: int = Field(default=0, ge=0)
    last_seq: int = 0
    message_count: int = 0
    last_message_at: Time | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    completed_at: Time | None = None
    expires_at: Time | None = None
    state_expires_at: Time | None = None


class Session(SessionInfo):
    """A session with its state: what is loaded, changed and saved.

    Attributes:
        data: The user's own data.
        data_by_route: The same, for each route of the agent's flow.
        current_route: Where in the flow it is.
        current_step: The same, finer.
        route_history: The routes that it was on, oldest first.
        schema_version: The version of the user's data model.
        metadata: Anything else about the session.
    """

    typed_levels: ClassVar[Mapping[str, int]] = {"data_by_route": 2}

    data: dict[str, Any] = Field(default_factory=dict)
    data_by_route: dict[str, dict[str, Any]] = Field(default_factory=dict)
    current_route: str | None = None
    current_step: str | None = None
    route_history: list[RouteVisit] = Field(default_factory=list[RouteVisit])
    schema_version: int | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    def enter_route(self, route: str, step: str | None = None, *, at: datetime | None = None) -> None:
        """Go to a route; the one before is left, not completed."""
        at = at or utc_now()
        self._leave(at, completed=False)
        self.current_route, self.current_step = route, step
        self.route_history.append(RouteVisit(route=route, entered_at=at))

    def enter_step(self, step: str | None) -> None:
        """Go to a step of the current route."""
        self.current_step = step

    def complete_route(self, *, at: datetime | None = None) -> None:
        """Leave the current route, completed."""
        self._leave(at or utc_now(), completed=True)
        self.current_route = self.current_step = None

    def _leave(self, at: datetime, *, completed: bool) -> None:
        if self.current_route is None or not self.route_history:
            return
        last = self.route_history[-1]
        left = RouteVisit(route=last.route, entered_at=last.entered_at, exited_at=at, completed=completed)
        self.route_history[-1] = left


class Turn(_Value):
    """One exchange, durable as a whole or not at all: new messages, and the state that they left behind.

    Attributes:
        id: Makes any retry safe; kept over retries.
        segment: Which part of the turn this is, when it is committed in several: 0, 1, 2…
        session_id: The session.
        key: The life of it that is meant, from a loaded session; None means the one that is there.
        messages: New messages, in order.
        session: The new state, where it changed. One with version 0 creates the session.
        expected: The version that must be there; None means ``session.version``.
        last_seq: If given, nobody may have appended since this position.
        remove: If given, ``(after, through)``: the messages behind ``after`` up to ``through`` are removed
            first, so that a tail is replaced in one step.
    """

    id: Identifier = Field(default_factory=new_id)
    segment: int = Field(default=0, ge=0)
    session_id: Identifier
    key: str | None = None
    messages: Sequence[Message] = ()
    session: Session | None = None
    expected: Expected | None = None
    last_seq: int | None = Field(default=None, ge=0)
    remove: tuple[int, int] | None = None

    @model_validator(mode="after")
    def _one_session(self) -> Self:
        if self.session is not None and self.session.id != self.session_id:
            raise InvalidArgument("Turn.session is another session than Turn.session_id.")
        return self


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit stored.

    Attributes:
        session: The session afterwards, without its state. On a replay of a write that carried state or a
            removal, ``version`` and ``last_seq`` are those of the first answer; all else is as it is now.
        messages: The messages with their positions, in the order of the turn. On a replay, without those
            that were removed since.
        replayed: Whether all of it was stored before, by an earlier try.
        removed: How many messages were removed.
    """

    session: SessionInfo
    messages: tuple[Message, ...] = ()
    replayed: bool = False
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Page(Generic[T_co]):
    """Some items of a longer list.

    Attributes:
        items: The items; a page may be short, or empty.
        next: Ask again with this cursor for what follows. Only None ends a walk.
        corrupt: Rows that could not be read, with ``on_corrupt="report"``.
    """

    items: tuple[T_co, ...] = ()
    next: str | None = None
    corrupt: tuple[CorruptRecord, ...] = ()

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class SessionQuery(_Value):
    """Which sessions to list.

    Attributes:
        user_id: Of this user alone.
        agent: Of this agent alone.
        status: With this status alone.
        parent: The children of this session; without it, the top level.
        nested: Both the top level and all children.
        updated_before: Not written since.
        order: ``activity``, last written first, is for people: a walk may miss what moved meanwhile.
            ``created``, oldest first, is complete: what was there before the walk and still is comes once.
        include_expired: Expired ones too, until they are swept.
        with_state: Give whole sessions.
        limit: How many a page.
        cursor: ``Page.next`` of the page before, with the same query.
    """

    user_id: Identifier | None = None
    agent: Identifier | None = None
    status: Identifier | None = None
    parent: Identifier | None = None
    nested: bool = False
    updated_before: Time | None = None
    order: Literal["activity", "created"] = "activity"
    include_expired: bool = False
    with_state: bool = False
    limit: int | None = None
    cursor: str | None = None
