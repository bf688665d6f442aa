"""Copies: what is to be written, as it was when the call was made, whoever changes it meanwhile.

Whatever is awaited before a write, a hook or a look at the store, gives its caller time to change what he handed
in. A copy is made before that, by encoding and decoding, which also refuses most of what is wrong before anything
is sent.
"""

from holdfast.capabilities import Limits
from holdfast.codec import decode_message, decode_state, encode_message, encode_state
from holdfast.errors import InvalidArgument
from holdfast.models import Message, Session, SessionInfo, Turn
from holdfast.strict import remade

__all__ = ["copied_message", "copied_session", "copied_turn", "measured_copy"]


def copied_turn(turn: Turn, limits: Limits) -> Turn:
    """A copy of a turn that nobody else holds.

    Raises:
        InvalidArgument: Something in it breaks a rule.
    """
    if type(turn.messages) not in {list, tuple}:
        raise InvalidArgument(f"messages is {type(turn.messages).__name__}, not a list.")
    turn = remade(turn)
    messages = [copied_message(said, limits, f"messages[{index}]") for index, said in enumerate(turn.messages)]
    session = None if turn.session is None else copied_session(turn.session, limits)
    return turn.model_copy(update={"messages": messages, "session": session})


def copied_message(message: Message, limits: Limits, path: str = "message") -> Message:
    """A copy of a message that nobody else holds; without what the store gives.

    Raises:
        InvalidArgument: Something in it breaks a rule.
    """
    return measured_copy(message, limits, path)[0]


def measured_copy(message: Message, limits: Limits, path: str = "message") -> tuple[Message, int]:
    """The same, and how many bytes it has, encoded.

    Raises:
        InvalidArgument: Something in it breaks a rule.
    """
    if type(message) is not Message:
        raise InvalidArgument(f"{path} is {type(message).__name__}, not Message.")
    encoded = encode_message(remade(message), limits, path)
    copied = decode_message(encoded.body, id=message.id, role=message.role, created_at=message.created_at)
    return copied, encoded.size


def copied_session(session: Session, limits: Limits) -> Session:
    """A copy of a session that nobody else holds.

    Raises:
        InvalidArgument: Something in it breaks a rule.
    """
    state = decode_state(encode_state(session, limits).body)
    return Session(**{name: getattr(session, name) for name in SessionInfo.model_fields}, **state)
