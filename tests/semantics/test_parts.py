"""The parts of a message, known and unknown, and what is empty but not absent."""

import pytest

from holdfast import Media, Message, Other, Reasoning, Refusal, Session, Text, ToolCall, ToolResult


@pytest.fixture
def through(adapter):
    async def run(**fields):
        await adapter.sessions.save(Session(id="s"), expected=0, turn_id="make")
        message = Message(**{"role": "assistant", **fields})
        [told] = await adapter.messages.append("s", [message])
        [found] = await adapter.messages.find("s", last=1)
        assert told == found
        assert found == message.model_copy(
            update={"seq": found.seq, "turn_id": found.turn_id, "created_at": found.created_at}
        )
        return found

    return run


KNOWN = [
    Text(text=""),
    Text(text="a", provider={"x": 1}),
    ToolCall(id="", name="", args=None),
    ToolCall(id="1", name="f", args={"z": 1, "a": {"y": 1, "b": 2}}),
    ToolCall(id="2", name="f", args='{"not": json'),
    ToolResult(call_id="1"),
    ToolResult(call_id="1", name="f", content=[{"type": "text", "text": "x"}], error=True),
    Reasoning(text=None, provider={"signature": "sig", "encrypted": b"\x00"}),
    Reasoning(text="hm"),
    Media(mime="image/png", data=b"\x89PNG\x00"),
    Media(mime="image/png", uri="https://example.org/x.png", name="x"),
    Refusal(text="no"),
    Other(type="of.tomorrow", a=1, b=[{"$set": 1}], c=None),
    Other(type=""),
    Other(type="$set"),
]


@pytest.mark.parametrize("part", KNOWN, ids=repr)
async def test_a_part_comes_back_as_it_was(through, part):
    [found] = (await through(content=[part])).content
    assert found == part
    assert type(found) is type(part)
    assert found.model_extra == part.model_extra


async def test_many_parts_keep_their_order(through):
    assert (await through(content=KNOWN * 3)).content == KNOWN * 3


async def test_parts_may_be_given_as_plain_objects(through):
    found = await through(
        content=[
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
            {"type": "unheard.of", "deep": [{"k": (1, 2)}]},
            {"type": "tool_call", "id": "1", "name": "f", "args": {"b": 1, "a": 2}, "index": 0},
        ]
    )
    assert [type(part) for part in found.content] == [Text, Other, ToolCall]
    assert found.content[0].cache_control == {"type": "ephemeral"}
    assert found.content[1].deep == [{"k": (1, 2)}]
    assert found.content[2].index == 0


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]])
async def test_arguments_of_a_tool_keep_the_models_order_of_keys(through, order):
    args = {key: dict.fromkeys(order, 1) for key in order}
    found = (await through(content=[ToolCall(id="1", name="f", args=args)])).tool_calls[0].args
    assert list(found) == order
    assert list(found["a"]) == order


async def test_conveniences_for_tools_are_parts(through):
    asked = await through(content="let me see", tool_calls=[{"id": "1", "name": "f", "args": {}}])
    assert asked.content == [Text(text="let me see"), ToolCall(id="1", name="f", args={})]
    answered = await through(role="tool", content="42", tool_call_id="1")
    assert answered.tool_call_id == "1"
    assert answered.content[0].content == "42"


@pytest.mark.parametrize("raw", ["", 0, False, [], {}, (), 0.0, b"", None], ids=repr)
async def test_an_empty_raw_is_not_an_absent_one(through, raw):
    found = (await through(raw=raw)).raw
    assert found == raw
    assert type(found) is type(raw)


@pytest.mark.parametrize("field", ["name", "route", "step", "format"])
async def test_an_empty_word_is_not_an_absent_one(through, field):
    assert getattr(await through(**{field: ""}), field) == ""
    assert getattr(await through(), field) is None


@pytest.mark.parametrize("content", ["", []], ids=repr)
async def test_no_parts_are_not_an_empty_text(through, content):
    found = (await through(content=content)).content
    assert found == content
    assert type(found) is type(content)


@pytest.mark.parametrize("role", ["user", "assistant", "system", "tool", "developer", "función", "x" * 255])
async def test_any_word_can_be_a_role(through, role):
    assert (await through(role=role)).role == role


async def test_a_state_keeps_its_routes(adapter, clock):
    session = Session(id="s", schema_version=0, current_step="")
    session.enter_route("one", "a", at=clock.now)
    clock.pass_(minutes=1)
    session.enter_route("two", at=clock.now)
    session.enter_step("b")
    session.complete_route(at=clock.now)
    session.enter_route("", at=clock.now)
    saved = await adapter.sessions.save(session)
    found = await adapter.sessions.get("s")
    assert found == saved
    assert found.route_history == session.route_history
    assert [visit.completed for visit in found.route_history] == [False, True, False]
    assert (found.current_route, found.current_step, found.schema_version) == ("", None, 0)
