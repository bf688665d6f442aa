"""Two versions of a program at once, on one session."""

import asyncio

import pytest
from tests.manager.versions import NEW, OLD, begin, raw

from holdfast import InvalidData, VersionConflict

# --- two versions of a program at once --------------------------------------------------------------------


async def test_two_versions_in_turn_lose_nothing(program):
    old, new = program(1), program(2)
    await begin(old)
    async with old.session("s") as worker:
        await new.update_data("s", {"first": "Mary"})
        with pytest.raises(VersionConflict) as caught:
            async with worker.turn() as turn:
                turn.add("user", "paid for")
                worker.data["name"] = "John Doe"
        assert caught.value.turn is turn
        async with worker.turn() as words:
            words.add("user", "words alone")
    assert (await new.load("s")).data["first"] == "Mary"
    assert [message.content for message in await new.history("s")] == ["x", "words alone"]


@pytest.mark.parametrize("policy", ["merge", lambda base, mine, theirs: mine])
async def test_an_older_worker_does_not_settle_over_newer_data(program, policy):
    await begin(program(1))
    with pytest.raises(ZeroDivisionError):
        async with program(1, on_conflict=policy).session("s") as worker:
            await program(2).update_data("s", {"first": "Mary"})
            before = await raw(program)
            with pytest.raises((InvalidData, VersionConflict)):
                async with worker.turn() as turn:
                    turn.add("user", "paid for")
                    worker.data["more"] = 1
            assert worker.data == OLD
            assert [message.content for message in turn.messages] == ["paid for"]
            assert await raw(program) == before
            raise ZeroDivisionError


async def test_the_older_workers_messages_can_be_kept(program):
    await begin(program(1))
    with pytest.raises(ZeroDivisionError):
        async with program(1).session("s") as worker:
            await program(2).update_data("s", {"first": "Mary"})
            before = await raw(program)
            with pytest.raises(VersionConflict):
                async with worker.turn() as turn:
                    turn.add("user", "paid for")
                    worker.data["more"] = 1
            await turn.commit(state="theirs")
            assert await raw(program) == before
            raise ZeroDivisionError
    assert [message.content for message in await program(2).history("s")] == ["x", "paid for"]


async def test_a_newer_worker_merges_with_what_an_older_one_writes(program):
    await begin(program(1))
    async with program(3, on_conflict="merge").session("s") as worker:
        await program(1).update_data("s", {"tag": "c"})
        async with worker.turn() as turn:
            turn.add("user", "y")
            worker.data["first"] = "Mary"
        assert worker.data == NEW | {"first": "Mary", "tags": ["c"]}
    assert await raw(program) == (3, 3, NEW | {"first": "Mary", "tags": ["c"]})


async def test_a_newer_worker_and_an_older_one_change_the_same(program):
    await begin(program(1))
    with pytest.raises(VersionConflict) as caught:
        async with program(3, on_conflict="merge").session("s") as worker:
            await program(1).update_data("s", {"name": "John Doe"})
            async with worker.turn():
                worker.data["first"] = "Mary"
    assert caught.value.paths == ("data.first",)
    assert await raw(program) == (2, None, OLD | {"name": "John Doe"})


async def test_both_upgrade_at_once(program):
    await begin(program(1))
    async with program(3, on_conflict="merge").session("s") as one:
        async with program(3, on_conflict="merge").session("s") as two, two.turn():
            two.data["two"] = 2
        async with one.turn():
            one.data["one"] = 1
    assert await raw(program) == (3, 3, NEW | {"one": 1, "two": 2})


async def test_twenty_updates_upgrade_once(program):
    await begin(program(1))
    manager = program(3)
    await asyncio.gather(*[manager.update_data("s", {str(number): number}) for number in range(20)])
    assert await raw(program) == (21, 3, NEW | {str(number): number for number in range(20)})


async def test_a_creation_that_loses_to_an_older_program_is_upgraded(program):
    async with program(3).session("s") as late:
        await begin(program(1))
        async with late.turn() as turn:
            turn.add("user", "y")
        assert late.data == NEW
    assert await raw(program) == (1, None, OLD)


async def test_theirs_is_upgraded(program):
    await begin(program(1))
    async with program(3).session("s") as worker:
        await program(1).update_data("s", {"name": "John Doe"})
        with pytest.raises(VersionConflict):
            async with worker.turn() as turn:
                turn.add("user", "y")
                worker.data["first"] = "Mary"
        await turn.commit(state="theirs")
        assert worker.data == NEW | {"first": "John"}
        await worker.flush()
    assert await raw(program) == (2, None, OLD | {"name": "John Doe"})


async def test_what_a_caller_holds_is_not_changed_by_an_upgrade(program):
    await begin(program(1))
    found = await program(3).load("s", raw=True)
    await program(3).load("s")
    assert found.data == OLD
