"""Values through an adapter and back, in each place that takes any value."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast import Adapter, Message, Session
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.verdict import ContractError

__all__ = ["check_all", "check_message", "check_state", "message_with", "round_trip", "state_with"]

Values = Mapping[str, Any]


async def check_all(case: Case, values: Values) -> None:
    """Store values, read them, and compare; where the adapter breaks down, find the value that it was."""
    adapter = await case.open()
    try:
        await round_trip(case, adapter, values, "s")
    except ContractError:
        raise
    except Exception:
        for number, (name, value) in enumerate(values.items()):
            with case.about(name):
                await round_trip(case, adapter, {name: value}, f"s{number}")
        raise


async def round_trip(case: Case, adapter: Adapter, values: Values, session_id: str) -> None:
    """All values in one state, and each in a message of its own."""
    saved = await adapter.sessions.save(state_with(session_id, values))
    loaded = await adapter.sessions.get(session_id)
    check_state(case, saved, values, "what save gave back")
    check_state(case, loaded, values, "what sessions.get gave")
    sent = [message_with(f"m{number}", value) for number, value in enumerate(values.values())]
    told = await adapter.messages.append(session_id, sent)
    page = await adapter.messages.find(session_id, limit=len(sent))
    _check_messages(case, told, values, "what append gave back")
    _check_messages(case, page.items, values, "what messages.find gave")
    one = await adapter.messages.get(session_id, sent[0].id)
    _check_messages(case, [one], dict([next(iter(values.items()))]), "what messages.get gave")


def state_with(session_id: str, values: Values) -> Session:
    """A session that holds values wherever it takes any."""
    plain = dict(values)
    return Session(id=session_id, data=plain, metadata=plain, data_by_route={"r": plain})


def check_state(case: Case, session: Session | None, values: Values, how: str) -> None:
    """Check a session that ``state_with`` made."""
    if session is None:
        raise ContractError(f"{how} is None, expected the session that was saved")
    case.same(session.data, dict(values), f"{how}: data")
    case.same(session.metadata, dict(values), f"{how}: metadata")
    case.same(session.data_by_route, {"r": dict(values)}, f"{how}: data_by_route")


def message_with(message_id: str, value: Any) -> Message:
    """A message that holds a value wherever it takes any."""
    content: Any = [
        {"type": "tool_call", "id": "1", "name": "f", "args": value},
        {"type": "tool_result", "call_id": "1", "content": value},
        {"type": "reasoning", "provider": value},
        {"type": "of.tomorrow", "field": value},
        {"type": "text", "text": "", "extra": value},
    ]
    return Message(id=message_id, role="user", content=content, metadata={"v": value}, raw=value)


def check_message(case: Case, message: Message | None, value: Any, how: str) -> None:
    """Check a message that ``message_with`` made."""
    if message is None:
        raise ContractError(f"{how} is None, expected the message that was stored")
    case.same(message.raw, value, f"{how}: raw")
    case.same(message.metadata, {"v": value}, f"{how}: metadata")
    case.same(message.content, message_with("m", value).content, f"{how}: content")


def _check_messages(case: Case, found: Sequence[Message | None], values: Values, how: str) -> None:
    case.same(len(found), len(values), f"{how}: the number of messages")
    for (name, value), message in zip(values.items(), found, strict=True):
        with case.about(name):
            check_message(case, message, value, how)
