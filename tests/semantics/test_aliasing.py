"""A message is a value."""

import pytest

from holdfast import Message, Text, ToolCall


async def test_a_message_is_a_value():
    message = Message(role="user", content=[Text(text="a"), ToolCall(id="1", name="f", args={"a": [1]})])
    with pytest.raises(Exception, match="frozen"):
        message.content = "other"
    with pytest.raises(Exception, match="frozen"):
        message.content[0].text = "other"
