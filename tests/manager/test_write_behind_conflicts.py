"""Autosave(every=…) when others have saved first: told at the next call, merged, settled, given up."""

import asyncio

import pytest
from pydantic import BaseModel
from tests.manager.waiting import SOON, say, stored, words

from holdfast import FlushIncomplete, Hooks, NotFound, OutcomeUnknown, VersionConflict

# --- raise ---------------------------------------------------------------------------------------


async def test_a_conflict_in_the_background_surfaces_at_the_next_turn_and_its_turn_can_be_committed(
    make_manager, others
):
    noticed = asyncio.Event()
    hooks = Hooks(on_conflict=lambda conflict: noticed.set())
    async with make_manager(SOON, hooks=hooks) as manager, manager.session("s") as session:
        await session.flush()
        await others.update_data("s", {"n": "theirs"})
        async with session.turn() as mine:
            mine.add("user", "1a")
            session.data["n"] = 1
        async with asyncio.timeout(20):
            await noticed.wait()
        while session.failure is None:
            await asyncio.sleep(0)
        with pytest.raises(VersionConflict) as caught:
            await say(session, 2)
        assert caught.value.turn is mine
        assert await stored(others) == ([], {"n": "theirs"})
        await caught.value.turn.commit(state="theirs")
        assert await stored(others) == (["1a"], {"n": "theirs"})
        assert session.data == {"n": "theirs"}
        await say(session, 2)
    assert await stored(others) == (["1a", *words(2)], {"n": 2})


async def test_flush_with_their_state_keeps_the_messages_of_all_turns_that_wait(make_manager, others):
    async with make_manager() as manager, manager.session("s") as session:
        await session.flush()
        await others.update_data("s", {"n": "theirs"})
        await say(session, 1)
        await say(session, 2)
        session.data["outside"] = True
        with pytest.raises(VersionConflict):
            await session.flush()
        await session.flush(state="theirs")
        assert await stored(others) == (words(1, 2), {"n": "theirs"})
        assert session.data == {"n": "theirs"}
        await say(session, 3)
    assert await stored(others) == (words(1, 2, 3), {"n": 3})


async def test_a_conflict_that_was_not_settled_is_told_at_the_end_and_stores_nothing(make_manager, others):
    with pytest.raises(FlushIncomplete) as caught:
        async with make_manager() as manager:
            session = await manager.session("s").__aenter__()
            await session.flush()
            await others.update_data("s", {"n": "theirs"})
            await say(session, 1)
    assert caught.value.session_ids == ("s",)
    assert isinstance(caught.value.__cause__, VersionConflict)
    assert await stored(others) == ([], {"n": "theirs"})


async def test_a_conflict_is_raised_on_leaving(make_manager, others):
    manager = make_manager()
    await manager.__aenter__()
    with pytest.raises(VersionConflict):
        async with manager.session("s") as session:
            await session.flush()
            await others.update_data("s", {"n": "theirs"})
            await say(session, 1)
    await manager.aclose()  # that was told, and is not tried again
    assert await stored(others) == ([], {"n": "theirs"})
    await session.flush(state="theirs")
    assert await stored(others) == (words(1), {"n": "theirs"})


async def test_a_conflict_does_not_stop_turns_of_messages_alone(make_manager, others):
    async with make_manager() as manager, manager.session("s") as session:
        await session.flush()
        await others.update_data("s", {"n": "theirs"})
        async with session.turn() as turn:
            turn.add("user", "words")
        await manager.flush()
    assert await stored(others) == (["words"], {"n": "theirs"})


async def test_a_session_that_was_deleted_meanwhile_is_told_and_not_begun_again(make_manager, others):
    with pytest.raises(FlushIncomplete) as caught:
        async with make_manager() as manager:
            session = await manager.session("s").__aenter__()
            await session.flush()
            await say(session, 1)
            await others.delete("s")
    assert isinstance(caught.value.__cause__, NotFound)
    assert await others.load("s") is None


async def test_a_creation_that_loses_in_the_background_joins_the_winner(make_manager, others):
    async with make_manager() as manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "late")
        async with others.session("s") as early:
            await say(early, 1)
        await manager.flush()
        assert await stored(others) == ([*words(1), "late"], {"n": 1})
        assert session.data == {"n": 1}


@pytest.mark.parametrize("executed", [True, False])
async def test_an_unknown_outcome_then_others_then_their_state_is_taken(make_manager, others, failing, executed):
    async with make_manager() as manager, manager.session("s") as session:
        await session.flush()
        failing(OutcomeUnknown("cut"), executed=executed)
        await say(session, 1)
        with pytest.raises(OutcomeUnknown):
            await session.flush()
        await others.update_data("s", {"n": "theirs"})
        await session.flush(state="theirs")
        assert await stored(others) == (words(1), {"n": "theirs"})
        assert session.data == {"n": "theirs"}
        await say(session, 2)
        await session.flush()
        assert await stored(others) == (words(1, 2), {"n": 2})


@pytest.mark.parametrize("executed", [True, False])
async def test_an_unknown_outcome_then_others_then_a_merge(make_manager, others, failing, executed):
    async with make_manager(on_conflict="merge") as manager, manager.session("s") as session:
        await session.flush()
        failing(OutcomeUnknown("cut"), executed=executed)
        await say(session, 1)
        with pytest.raises(OutcomeUnknown):
            await session.flush()
        await others.update_data("s", {"theirs": True})
        await say(session, 2)
        await session.flush()
        assert await stored(others) == (words(1, 2), {"n": 2, "theirs": True})


# --- merge and function --------------------------------------------------------------------------


async def test_turns_that_wait_are_merged_one_by_one(make_manager, others):
    states = []
    hooks = Hooks(after_save=lambda turn, committed: states.append(turn.session.data))
    async with make_manager(on_conflict="merge", hooks=hooks) as manager, manager.session("s") as session:
        await session.flush()
        states.clear()
        await say(session, 1)
        await say(session, 2)
        session.data["outside"] = True
        await others.update_data("s", {"theirs": True})
        await session.flush()
        assert session.data == {"n": 2, "theirs": True, "outside": True}
    assert states == [
        {"theirs": True, "n": 1},
        {"theirs": True, "n": 2},
        {"theirs": True, "n": 2, "outside": True},
    ]
    assert await stored(others) == (words(1, 2), {"n": 2, "theirs": True, "outside": True})


async def test_what_was_said_after_a_checkpoint_is_stored_though_others_changed_the_state(make_manager, others):
    async with make_manager(on_conflict="merge") as manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "1a")
            session.data["n"] = 1
            await turn.checkpoint()
            turn.add("assistant", "1b")
        await others.update_data("s", {"theirs": True})
        await manager.flush()
        assert await stored(others) == (words(1), {"n": 1, "theirs": True})
        assert session.data == {"n": 1, "theirs": True}


async def test_a_merge_that_cannot_be_raises_with_the_paths_and_changes_nothing_here(make_manager, others):
    async with make_manager(on_conflict="merge") as manager, manager.session("s") as session:
        await session.flush()
        await others.update_data("s", {"n": "theirs"})
        await say(session, 1)
        with pytest.raises(VersionConflict) as caught:
            await session.flush()
        assert caught.value.paths == ("data.n",)
        assert session.data == {"n": 1}
        await session.flush(state="theirs")
    assert await stored(others) == (words(1), {"n": "theirs"})


async def test_a_function_settles_in_the_background(make_manager, others):
    def add_up(base, mine, theirs):
        theirs.data["n"] += mine.data["n"] - base.data["n"]
        return theirs

    async with make_manager(on_conflict=add_up) as manager, manager.session("s") as session:
        session.data["n"] = 0
        await session.flush()
        for _ in range(3):
            async with session.turn() as turn:
                turn.add("user", "+1")
                session.data["n"] += 1
        await others.update("s", lambda live: live.data.update(n=live.data["n"] + 10))
        await manager.flush()
        assert session.data == {"n": 13}
    assert await stored(others) == (["+1"] * 3, {"n": 13})


async def test_a_function_that_raises_surfaces_and_loses_nothing(make_manager, others):
    broken = True

    def settle(base, mine, theirs):
        if broken:
            raise LookupError("a bug of the user's")
        return mine

    async with make_manager(on_conflict=settle) as manager, manager.session("s") as session:
        await session.flush()
        await others.update_data("s", {"n": "theirs"})
        await say(session, 1)
        with pytest.raises(FlushIncomplete) as caught:
            await manager.flush()
        assert isinstance(caught.value.__cause__, LookupError)
        with pytest.raises(LookupError):
            await say(session, 2)
        broken = False
        await session.flush()
    assert await stored(others) == (words(1), {"n": 1})


# --- a turn that is open meanwhile ---------------------------------------------------------------


async def test_the_state_of_an_open_turn_goes_along_with_a_merge(make_manager, others):
    async with make_manager(on_conflict="merge") as manager, manager.session("s") as session:
        await session.flush()
        await say(session, 1)
        await others.update_data("s", {"theirs": True})
        async with session.turn() as turn:
            turn.add("user", "2a")
            session.data["mine"] = "in the open turn"
            await manager.flush()
            assert session.data == {"n": 1, "theirs": True, "mine": "in the open turn"}
            turn.add("assistant", "2b")
            session.data["n"] = 2
    assert await stored(others) == (words(1, 2), {"n": 2, "theirs": True, "mine": "in the open turn"})


async def test_an_open_turn_that_raises_after_a_merge_puts_back_what_was_merged(make_manager, others):
    async with make_manager(on_conflict="merge") as manager, manager.session("s") as session:
        await session.flush()
        await say(session, 1)
        await others.update_data("s", {"theirs": True})
        with pytest.raises(ZeroDivisionError):
            async with session.turn() as turn:
                turn.add("user", "lost")
                session.data["mine"] = "lost"
                await manager.flush()
                session.data["n"] = "lost"
                raise ZeroDivisionError
        assert session.data == {"n": 1, "theirs": True}
        await say(session, 2)
    assert await stored(others) == (words(1, 2), {"n": 2, "theirs": True})


async def test_an_open_turn_goes_back_to_its_checkpoint_after_a_merge(make_manager, others):
    async with make_manager(on_conflict="merge") as manager, manager.session("s") as session:
        await session.flush()
        await others.update_data("s", {"theirs": True})
        with pytest.raises(ZeroDivisionError):
            async with session.turn() as turn:
                turn.add("user", "kept")
                session.data["n"] = 1
                await turn.checkpoint()
                assert session.data == {"n": 1, "theirs": True}
                session.data["n"] = "lost"
                raise ZeroDivisionError
        assert session.data == {"n": 1, "theirs": True}
    assert await stored(others) == (["kept"], {"n": 1, "theirs": True})


async def test_who_holds_the_data_in_an_open_turn_changes_it_in_place_whatever_the_background_does(
    make_manager, others
):
    """'``.data``: change it in place.' A merge in the midst of a turn must not cut its user off from it."""
    async with make_manager(on_conflict="merge") as manager, manager.session("s") as session:
        await session.flush()
        await say(session, 1)
        await others.update_data("s", {"theirs": True})
        async with session.turn() as turn:
            data = session.data
            turn.add("user", "2a")
            await manager.flush()
            data["mine"] = True
            turn.add("assistant", "2b")
    assert await stored(others) == (words(1, 2), {"n": 1, "theirs": True, "mine": True})


async def test_who_holds_a_part_that_nobody_else_has_changed_changes_it_in_place(make_manager, others):
    async with make_manager(on_conflict="merge") as manager, manager.session("s") as session:
        session.data["cart"] = ["tea"]
        await session.flush()
        await say(session, 1)
        await others.update_data("s", {"theirs": True})
        async with session.turn():
            cart = session.data["cart"]
            await manager.flush()
            cart.append("coffee")
    assert (await others.load("s")).data["cart"] == ["tea", "coffee"]


class Booking(BaseModel):
    seats: int = 0
    name: str = ""


async def test_who_holds_typed_data_in_an_open_turn_changes_it_in_place(make_manager, others):
    async with make_manager(on_conflict="merge", data_type=Booking) as manager, manager.session("s") as session:
        await session.flush()
        async with session.turn():
            session.data.seats = 1
        await others.update_data("s", {"name": "theirs"})
        async with session.turn():
            booking = session.data
            await manager.flush()
            booking.seats = 2
    assert (await others.load("s")).data == {"seats": 2, "name": "theirs"}


async def test_what_after_load_has_changed_is_stored_with_the_next_change_also_after_a_merge(make_manager, others):
    """'What it changes there counts as loaded, and is stored with the next change.'"""
    await others.load_or_create("s")
    hooks = Hooks(after_load=lambda session: session.data.update(seen=True))
    async with make_manager(on_conflict="merge", hooks=hooks) as manager, manager.session("s") as session:
        assert session.data == {"seen": True}
        await others.update_data("s", {"theirs": True})
        await say(session, 1)
    assert await stored(others) == (words(1), {"seen": True, "theirs": True, "n": 1})


async def test_two_handles_in_the_background_of_two_workers_lose_nothing(make_manager):
    async with (
        make_manager(SOON, on_conflict="merge") as one,
        make_manager(SOON, on_conflict="merge") as two,
        one.session("s") as mine,
        two.session("s") as theirs,
    ):
        for number in range(40):
            await say(mine, f"m{number}", key=f"m{number}")
            await say(theirs, f"t{number}", key=f"t{number}")
            await asyncio.sleep(0.001 if number % 5 == 0 else 0)
        await asyncio.gather(mine.flush(), theirs.flush())
    said, data = await stored(one)
    assert [text for text in said if text.startswith("m")] == words(*[f"m{number}" for number in range(40)])
    assert [text for text in said if text.startswith("t")] == words(*[f"t{number}" for number in range(40)])
    assert data == {f"{who}{number}": f"{who}{number}" for number in range(40) for who in "mt"}
    assert all(first[:-1] == second[:-1] for first, second in zip(said[::2], said[1::2], strict=True))
