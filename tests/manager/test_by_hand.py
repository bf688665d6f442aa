"""The manager's plain verbs."""

import asyncio
from datetime import timedelta

import pytest

from holdfast import InvalidArgument, Message, NotFound, Session, Text, ToolCall


async def test_load_save_append_history(manager):
    session = await manager.save(Session(id="s", data={"a": 1}))
    session.data["a"] = 2
    await manager.save(session)
    await manager.append("s", Message(role="user", content="hi"), Message(role="assistant", content="ho"))
    assert (await manager.load("s")).data == {"a": 2}
    assert await manager.history("s", as_dicts=True) == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "ho"},
    ]
    assert await manager.load("other") is None
    with pytest.raises(NotFound):
        await manager.history("other")


async def test_parts_as_dictionaries(manager):
    await manager.save(Session(id="s"))
    call = ToolCall(id="c", name="book", args={"z": 1, "a": 2})
    await manager.append("s", Message(role="assistant", name="bot", content=[Text(text="ok"), call]))
    [plain] = await manager.history("s", as_dicts=True)
    assert plain == {
        "role": "assistant",
        "name": "bot",
        "content": [
            {"type": "text", "text": "ok"},
            {"type": "tool_call", "id": "c", "name": "book", "args": {"z": 1, "a": 2}},
        ],
    }
    assert list(plain["content"][1]["args"]) == ["z", "a"]


async def test_a_long_history_comes_whole_and_the_newest_of_it(manager, adapter):
    await manager.save(Session(id="s"))
    for start in range(0, 2500, 500):
        await manager.append("s", *[Message(role="user", content=str(start + index)) for index in range(500)])
    every = [message.content for message in await manager.history("s")]
    assert every == [str(number) for number in range(2500)]
    assert [message.content for message in await manager.history("s", last=3)] == ["2497", "2498", "2499"]
    assert [message.content for message in await manager.history("s", last=1700)] == every[-1700:]
    assert [message.content for message in await manager.history("s", last=9999)] == every


@pytest.mark.parametrize("last", [0, -1, True, 1.5, "3"])
async def test_a_wrong_last_is_refused(manager, last):
    await manager.save(Session(id="s"))
    with pytest.raises(InvalidArgument):
        await manager.history("s", last=last)


async def test_the_current_session_is_found_or_begun(manager):
    first = await manager.current("u", "bot")
    assert (await manager.current("u", "bot")).key == first.key
    assert (await manager.current("u", "other bot")).id != first.id
    assert (await manager.current("v", "bot")).id != first.id
    await manager.complete(first.id)
    second = await manager.current("u", "bot")
    assert second.id != first.id
    assert (second.user_id, second.agent, second.status) == ("u", "bot", "active")
    await manager.delete(first.id)
    assert (await manager.current("u", "bot")).key == second.key
    await manager.delete(second.id)
    assert (await manager.current("u", "bot")).key not in {first.key, second.key}


async def test_twenty_at_once_get_one_current_session(manager):
    found = await asyncio.gather(*[manager.current("u", "bot") for _ in range(20)])
    assert len({session.key for session in found}) == 1
    await manager.abandon(found[0].id)
    found = await asyncio.gather(*[manager.current("u", "bot") for _ in range(20)])
    assert len({session.key for session in found}) == 1
    assert len(await manager.sessions("u")) == 2


async def test_an_agent_of_none_and_one_of_a_name_do_not_mix(manager):
    plain = await manager.current("u")
    assert (await manager.current("u", "bot")).id != plain.id
    assert (await manager.current("u")).key == plain.key


async def test_load_or_create_makes_one(manager):
    found = await asyncio.gather(*[manager.load_or_create("s", user_id="u") for _ in range(10)])
    assert len({session.key for session in found}) == 1


async def test_sessions_of_a_user(manager, clock):
    for number in range(5):
        await manager.save(Session(id=str(number), user_id="u", agent="bot" if number % 2 else None))
        clock.pass_(hours=1)
    await manager.save(Session(id="theirs", user_id="v"))
    await manager.complete("1")
    clock.pass_(minutes=30)
    assert [info.id for info in await manager.sessions("u")] == ["1", "4", "3", "2", "0"]
    assert [info.id for info in await manager.sessions("u", status="completed")] == ["1"]
    assert [info.id for info in await manager.sessions("u", agent="bot")] == ["1", "3"]
    assert [info.id for info in await manager.sessions("u", older_than=timedelta(hours=3))] == ["2", "0"]
    page = await manager.sessions("u", limit=2)
    rest = await manager.sessions("u", limit=10, cursor=page.next)
    assert [info.id for info in [*page, *rest]] == ["1", "4", "3", "2", "0"]
    assert len(await manager.sessions()) == 6


async def test_update_data_merges_and_loses_nothing_to_others(manager):
    await manager.save(Session(id="s", data={"kept": 1}))
    await asyncio.gather(*[manager.update_data("s", {str(number): number}) for number in range(20)])
    assert (await manager.load("s")).data == {"kept": 1} | {str(number): number for number in range(20)}
    with pytest.raises(NotFound):
        await manager.update_data("other", {})
    with pytest.raises(InvalidArgument):
        await manager.update_data("s", [("a", 1)])


async def test_status_complete_and_abandon(manager, clock):
    await manager.save(Session(id="s"))
    done = await manager.complete("s")
    assert (done.status, done.completed_at) == ("completed", clock())
    open_again = await manager.set_status("s", "active")
    assert (open_again.status, open_again.completed_at) == ("active", None)
    assert (await manager.abandon("s")).status == "abandoned"
    assert (await manager.set_status("s", "waiting for a human")).status == "waiting for a human"


async def test_delete(manager):
    await manager.save(Session(id="s"))
    await manager.append("s", Message(role="user", content="x"))
    assert await manager.delete("s") is True
    assert await manager.delete("s") is False
    assert await manager.load("s") is None


async def test_history_of_a_live_session(manager):
    async with manager.session("s") as session:
        assert await session.history() == []
        async with session.turn() as turn:
            turn.add("user", "one")
            turn.add("user", "two")
        assert [message.content for message in await session.history(last=1)] == ["two"]
