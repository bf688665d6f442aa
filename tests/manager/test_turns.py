"""Turns: what becomes durable, when, and what a failure leaves."""

import pytest

from holdfast import InvalidArgument, Message, OutcomeUnknown, StorageFull, UnserializableValue


async def said(manager, session_id="s"):
    return [(message.role, message.content) for message in await manager.history(session_id)]


async def test_a_turn_is_durable_when_it_ends(manager):
    async with manager.session("s", user_id="u") as session:
        async with session.turn() as turn:
            turn.add("user", "Hello!")
            session.data["name"] = "Jane"
            turn.add("assistant", "Hi Jane.")
            assert await manager.load("s") is None
        stored = await manager.load("s")
        assert stored.data == {"name": "Jane"}
        assert (stored.version, stored.last_seq, stored.user_id) == (1, 2, "u")
        assert await said(manager) == [("user", "Hello!"), ("assistant", "Hi Jane.")]


async def test_a_checkpoint_makes_durable_what_was_said_so_far(manager):
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", "one")
        session.data["step"] = 1
        await turn.checkpoint()
        assert await said(manager) == [("user", "one")]
        assert (await manager.load("s")).data == {"step": 1}
        turn.add("assistant", "two")
        assert [message.content for message in turn.messages] == ["two"]
    messages = await manager.history("s")
    assert [(message.segment, message.seq) for message in messages] == [(0, 1), (1, 2)]
    assert len({message.turn_id for message in messages}) == 1


async def test_a_failed_turn_puts_the_state_back_and_stores_nothing(manager):
    async with manager.session("s") as session:
        session.data["cart"] = {"items": ["tea"]}
        session.state.enter_route("shop")
        await session.flush()
        with pytest.raises(ZeroDivisionError):
            async with session.turn() as turn:
                turn.add("user", "lost")
                session.data["cart"]["items"].append("coffee")
                session.state.enter_route("pay")
                session.state.status = "failed"
                raise ZeroDivisionError
        assert session.data == {"cart": {"items": ["tea"]}}
        assert session.state.current_route == "shop"
        assert len(session.state.route_history) == 1
        assert session.state.status == "active"
    stored = await manager.load("s")
    assert (stored.version, stored.data) == (1, {"cart": {"items": ["tea"]}})
    assert await said(manager) == []


async def test_a_turn_that_fails_after_a_checkpoint_goes_back_to_the_checkpoint(manager):
    async with manager.session("s") as session:
        with pytest.raises(ZeroDivisionError):
            async with session.turn() as turn:
                turn.add("user", "kept")
                session.data["step"] = 1
                await turn.checkpoint()
                turn.add("assistant", "lost")
                session.data["step"] = 2
                raise ZeroDivisionError
        assert session.data == {"step": 1}
    assert await said(manager) == [("user", "kept")]
    assert (await manager.load("s")).data == {"step": 1}


async def test_what_changes_nothing_writes_nothing(manager, adapter, monkeypatch):
    async with manager.session("s") as session:
        session.data["a"] = [1, {"b": 2}]
    flushes = []
    flush = adapter._runtime.commits._flusher._flush

    async def counting(writes):
        flushes.append(writes)
        return await flush(writes)

    monkeypatch.setattr(adapter._runtime.commits._flusher, "_flush", counting)
    async with manager.session("s") as session:
        async with session.turn():
            session.data["a"] = [1, {"b": 2}]
        async with session.turn() as turn:
            await turn.checkpoint()
        await session.flush()
    assert flushes == []
    assert (await manager.load("s")).version == 1


async def test_a_turn_without_a_change_of_state_raises_no_version(manager):
    async with manager.session("s") as session:
        await session.flush()
        async with session.turn() as turn:
            turn.add("user", "hi")
    assert (await manager.load("s")).version == 1


async def test_a_new_session_is_stored_on_leaving_and_not_when_left_by_an_exception(manager):
    async with manager.session("kept"):
        pass
    assert (await manager.load("kept")).version == 1
    with pytest.raises(ZeroDivisionError):
        async with manager.session("lost") as session:
            session.data["a"] = 1
            raise ZeroDivisionError
    assert await manager.load("lost") is None


async def test_a_change_outside_a_turn_is_saved_on_leaving(manager):
    async with manager.session("s") as session:
        session.data["a"] = 1
    async with manager.session("s") as session:
        session.state.current_step = "pay"
    stored = await manager.load("s")
    assert (stored.data, stored.current_step, stored.version) == ({"a": 1}, "pay", 2)


async def test_a_bad_message_is_refused_alone_and_the_turn_goes_on(manager):
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", "good")
        with pytest.raises(UnserializableValue, match=r"message\.metadata\.price"):
            turn.add("tool", "bad", metadata={"price": float("nan")})
        turn.add("assistant", "good too")
    assert await said(manager) == [("user", "good"), ("assistant", "good too")]


async def test_what_is_added_does_not_change_with_the_callers_objects(manager):
    metadata = {"tags": ["a"]}
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", "x", metadata=metadata)
        metadata["tags"].append("later")
    assert (await manager.history("s"))[0].metadata == {"tags": ["a"]}


async def test_a_turn_whose_answer_was_lost_is_stored_once_when_it_is_committed_again(manager, failing):
    async with manager.session("s") as session:
        await session.flush()
        failing(OutcomeUnknown("cut"), executed=True)
        with pytest.raises(OutcomeUnknown):
            async with session.turn() as turn:
                turn.add("user", "once")
                session.data["n"] = 1
        assert session.data == {}  # put back: it is not known what the store has
        committed = await turn.commit()
        assert committed.replayed
        assert session.data == {"n": 1}
        async with session.turn() as turn:
            session.data["n"] = 2
    assert await said(manager) == [("user", "once")]
    assert ((await manager.load("s")).data, (await manager.load("s")).version) == ({"n": 2}, 3)


async def test_a_turn_that_failed_can_be_committed_again(manager, failing):
    async with manager.session("s") as session:
        failing(StorageFull("no room"))
        with pytest.raises(StorageFull):
            async with session.turn() as turn:
                turn.add("user", "kept")
                session.data["n"] = 1
        assert [message.content for message in turn.messages] == ["kept"]
        await turn.commit()
    assert await said(manager) == [("user", "kept")]
    assert (await manager.load("s")).data == {"n": 1}


async def test_a_lost_answer_between_two_segments(manager, failing):
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", "one")
        session.data["n"] = 1
        await turn.checkpoint()
        failing(OutcomeUnknown("cut"), executed=True)
        turn.add("assistant", "two")
        with pytest.raises(OutcomeUnknown):
            await turn.checkpoint()
        await turn.checkpoint()
        turn.add("assistant", "three")
    assert [content for _, content in await said(manager)] == ["one", "two", "three"]


async def test_a_flush_whose_answer_was_lost_is_sent_again_as_the_same_write(manager, failing):
    async with manager.session("s") as session:
        await session.flush()
        session.data["n"] = 1
        failing(OutcomeUnknown("cut"), executed=True)
        with pytest.raises(OutcomeUnknown):
            await session.flush()
        session.data["n"] = 2
        await session.flush()
    assert ((await manager.load("s")).data, (await manager.load("s")).version) == ({"n": 2}, 3)


async def test_one_turn_at_a_time_on_one_handle(manager):
    async with manager.session("s") as session, session.turn():
        with pytest.raises(InvalidArgument, match="A turn is open"):
            async with session.turn():
                pass
        with pytest.raises(InvalidArgument, match="A turn is open"):
            await session.flush()


async def test_a_turn_is_used_in_its_block(manager):
    async with manager.session("s") as session:
        turn = session.turn()
        for use in (lambda: turn.add("user", "x"), lambda: turn.add_message(Message(role="user", content="x"))):
            with pytest.raises(InvalidArgument, match="not open"):
                use()
        async with turn:
            turn.add("user", "x")
        with pytest.raises(InvalidArgument, match="not open"):
            turn.add("user", "late")
        with pytest.raises(InvalidArgument, match="not open"):
            await turn.checkpoint()


async def test_a_tool_inside_a_turn_opens_a_session_of_its_own(manager):
    async with manager.session("s") as outer, outer.turn() as turn:
        turn.add("user", "book it")
        await turn.checkpoint()
        async with manager.session("s") as inner, inner.turn() as nested:
            nested.add("tool", "booked")
    assert await said(manager) == [("user", "book it"), ("tool", "booked")]


async def test_state_that_cannot_be_stored_is_named_and_put_back(manager):
    async with manager.session("s") as session:
        with pytest.raises(UnserializableValue, match=r"session\.data\.when"):
            async with session.turn() as turn:
                turn.add("user", "x")
                session.data["when"] = object()
        assert session.data == {}


async def test_a_turn_that_was_refused_since_another_one_is_open_can_begin_afterwards(manager):
    async with manager.session("s") as session:
        later = session.turn()
        async with session.turn() as turn:
            turn.add("user", "first")
            with pytest.raises(InvalidArgument):
                await later.__aenter__()
        async with later:
            later.add("user", "second")
    assert [message.content for message in await manager.history("s")] == ["first", "second"]
