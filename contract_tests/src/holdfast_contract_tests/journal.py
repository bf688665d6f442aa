"""The calls of a clause: each is written down for the failure's text, and must be answered in time."""

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from pydantic import BaseModel

from holdfast import Adapter, Committed, InvalidIdentifier, Message, Page, Session, SessionInfo, Turn
from holdfast.ids import check_id
from holdfast_contract_tests.equality import shown
from holdfast_contract_tests.verdict import Unanswered

__all__ = ["Journal", "watched"]

_KEPT = 2000
_PENDING = "no answer yet"
_REPOSITORIES = frozenset({"sessions", "messages"})


@dataclass(slots=True)
class Call:
    """One call and its answer, in words."""

    said: str
    answer: str = _PENDING


class Journal:
    """The last calls of a clause, oldest first."""

    def __init__(self, timeout: float) -> None:
        """Begin one.

        Args:
            timeout: How long a call may take, in seconds.
        """
        self.timeout = timeout
        self._calls: deque[Call] = deque(maxlen=_KEPT)
        self._made: deque[Coroutine[Any, Any, Any]] = deque(maxlen=_KEPT)
        self._named: dict[str, dict[str, None]] = {}

    def begin(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """Write a call down."""
        said = [*map(_words, args), *(f"{key}={_words(value)}" for key, value in kwargs.items())]
        call = Call(f"{name}({', '.join(said)})")
        self._calls.append(call)
        return call

    def last(self, count: int) -> Iterator[str]:
        """The last so many calls, in words."""
        calls = list(self._calls)[-count:]
        for number, call in enumerate(calls, len(self._calls) - len(calls) + 1):
            yield f"{number:>3}. {call.said}  ->  {call.answer}"

    def name(self, tenant: str, argument: object) -> None:
        """Remember which session a call was about: where listing lags, it is the only way to find it again."""
        named = getattr(argument, "session_id", getattr(argument, "id", argument))
        with suppress(InvalidIdentifier):
            self._named.setdefault(tenant, {})[check_id(named, "session_id")] = None

    def named(self, tenant: str) -> Sequence[str]:
        """The sessions that calls in a tenant were about."""
        return sorted(self._named.get(tenant, ()))

    def answer(self, call: Call, make: Callable[[], Awaitable[Any]]) -> Coroutine[Any, Any, Any]:
        """What a call gives; to be awaited."""
        made = self.answered(call, make)
        self._made.append(made)
        return made

    def close(self) -> None:
        """Drop the calls that a failed proof made and never came to; each would be a warning."""
        for made in self._made:
            if inspect.getcoroutinestate(made) == inspect.CORO_CREATED:
                made.close()

    async def answered(self, call: Call, make: Callable[[], Awaitable[Any]]) -> Any:
        """The answer to a call, which is made here: one that is cancelled before must leave no coroutine behind.

        Raises:
            Unanswered: There was none in time.
        """
        deadline = asyncio.timeout(self.timeout)
        try:
            async with deadline:
                answer = await make()
        except BaseException as error:
            if isinstance(error, TimeoutError) and deadline.expired():
                call.answer = f"no answer within {self.timeout:g} s"
                raise Unanswered(f"{call.said} gave no answer within {self.timeout:g} s") from None
            call.answer = f"raised {type(error).__name__}: {shown(str(error), 120)}"
            raise
        call.answer = _words(answer)
        return answer


def watched(adapter: Adapter, journal: Journal) -> Adapter:
    """The same adapter; what is called on it is written down."""
    return cast("Adapter", _Watched(adapter, journal))


class _Watched:
    """Hands every attribute on, and watches what can be called."""

    def __init__(self, target: Any, journal: Journal, tenant: str = "", prefix: str = "") -> None:
        self._hf_target = target
        self._hf_journal = journal
        self._hf_tenant = tenant
        self._hf_prefix = prefix

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._hf_target, name)
        if name in _REPOSITORIES:
            return _Watched(value, self._hf_journal, self._hf_tenant, f"{name}.")
        if name.startswith("_") or not callable(value) or isinstance(value, type):
            return value
        return self._watch(name, value)

    def _watch(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            entry = self._hf_journal.begin(self._hf_tenant + self._hf_prefix + name, args, kwargs)
            if args and (self._hf_prefix or name == "commit"):
                self._hf_journal.name(self._hf_tenant, args[0])
            if inspect.iscoroutinefunction(method):
                return self._hf_journal.answer(entry, partial(method, *args, **kwargs))
            try:
                answer = method(*args, **kwargs)
            except Exception as error:
                entry.answer = f"raised {type(error).__name__}: {shown(str(error), 120)}"
                raise
            if inspect.isawaitable(answer):
                return self._hf_journal.answer(entry, lambda: answer)
            entry.answer = _words(answer)
            if name == "for_tenant":
                return _Watched(answer, self._hf_journal, f"for_tenant({_words(args[0]) if args else ''}).")
            return answer

        return call

    async def __aenter__(self) -> Any:
        await self._hf_journal.answered(self._hf_journal.begin("__aenter__", (), {}), self._hf_target.__aenter__)
        return self

    async def __aexit__(self, *exc: object) -> Any:
        return await self._hf_journal.answered(
            self._hf_journal.begin("__aexit__", (), {}), partial(self._hf_target.__aexit__, *exc)
        )

    def __repr__(self) -> str:
        return repr(self._hf_target)


def _words(value: Any) -> str:
    """A value in a few words, whatever it is: it must not hide what a clause is about."""
    try:
        return _said(value)
    except Exception:  # noqa: BLE001 - some clauses hand in what is no legal value at all
        return f"<{type(value).__name__}>"


def _said(value: Any) -> str:  # noqa: PLR0911 - one line a type
    if isinstance(value, Message):
        name = shown(value.id, 40)[1:-1]
        return f"{name}@{value.seq}" if value.seq else name
    if isinstance(value, SessionInfo):
        data = f" data={shown(value.data, 60)}" if isinstance(value, Session) else ""
        return f"{type(value).__name__}({shown(value.id, 40)} v{value.version} last_seq={value.last_seq}{data})"
    if isinstance(value, Turn):
        return _turn(value)
    if isinstance(value, Committed):
        return f"Committed({_words(value.session)}, {_words(value.messages)}, replayed={value.replayed})"
    if isinstance(value, Page):
        return f"Page({_words(list(value.items))}, next={'a cursor' if value.next else None})"
    if isinstance(value, list | tuple) and value and isinstance(value[0], BaseModel):
        return _several(value)
    if isinstance(value, BaseModel):
        said = {name: getattr(value, name) for name in sorted(value.model_fields_set)}
        return f"{type(value).__name__}({shown(said, 100)})"
    return shown(value, 100)


def _several(values: Any) -> str:
    words = [_words(value) for value in values[:6]]
    return f"[{', '.join(words)}{f', … {len(values)} in all' if len(values) > len(words) else ''}]"


def _turn(turn: Turn) -> str:
    parts = [f"id={shown(turn.id, 40)}", f"segment={turn.segment}", shown(turn.session_id, 40)]
    if turn.messages:
        parts.append(_words(turn.messages))
    if turn.session:
        parts.append(f"state of v{turn.session.version}")
    said = {"expected": turn.expected, "last_seq": turn.last_seq, "remove": turn.remove}
    parts += [f"{name}={value}" for name, value in said.items() if value is not None]
    return f"Turn({', '.join(parts)})"
