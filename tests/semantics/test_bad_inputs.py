"""Models refuse fields of the wrong kind when they are made, without any adapter."""

from datetime import datetime

import pytest

from holdfast import InvalidArgument, Message, Session, SessionQuery, Turn


@pytest.mark.parametrize(
    "make",
    [
        lambda: Message(role="user", unknown=1),
        Message,
        Session,
        lambda: Session(id="s", state={}),
        Turn,
        lambda: Turn(session_id="s", append=[]),
        lambda: Turn(session_id="s", session=Session(id="other")),
        lambda: SessionQuery(offset=5),
        lambda: SessionQuery(user_id={"$gt": ""}),
        lambda: SessionQuery(status=["active"]),
        lambda: SessionQuery(order="id; DROP TABLE x"),
        lambda: Message(role="user", created_at=datetime(2026, 1, 1)),  # noqa: DTZ001 - naive on purpose
        lambda: Message(role="user", content=[{"type": "tool_call", "id": 5}]),
        lambda: Message(role="user", content=[{"text": "no type"}]),
        lambda: Message(role="user", content=[{"type": 5}]),
        lambda: Message(role="user", content="a", tool_calls=5),
        lambda: Message(role="user", content="a", tool_calls=[5]),
        lambda: Message(role="user", content="a", tool_call_id=5),
        lambda: Message(role="user", content=5, tool_calls=[]),
    ],
)
def test_a_model_is_refused_when_it_is_made(make):
    with pytest.raises(InvalidArgument):
        make()
