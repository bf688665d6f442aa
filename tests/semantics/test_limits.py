"""Limits refuse what is no limit."""

import pytest

from holdfast import InvalidArgument, Limits


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "5", None])
@pytest.mark.parametrize("name", ["message_bytes", "turn_messages", "depth", "page", "queue_items"])
def test_a_limit_is_a_positive_integer(name, value):
    with pytest.raises(InvalidArgument):
        Limits(**{name: value})
