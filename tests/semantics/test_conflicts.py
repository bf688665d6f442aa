"""What a write expects, and what happens when something else is there."""

import asyncio

import pytest

from holdfast import HoldfastError, NotFound, Session, SessionExpired, Turn, VersionConflict


@pytest.fixture(autouse=True)
async def session(adapter):
    """At version 2, with two messages."""
    session = await adapter.sessions.save(Session(id="s", user_id="u", data={"n": 1}))
    return await adapter.sessions.save(session)


@pytest.fixture(autouse=True)
async def messages(adapter, session, say):
    return await adapter.messages.append("s", say("a", "b"))


async def refused(call, expected, actual, guard="version"):
    with pytest.raises(VersionConflict) as caught:
        await call
    error = caught.value
    assert (error.session_id, error.expected, error.actual, error.guard) == ("s", expected, actual, guard)


async def test_a_save_expects_the_version_that_was_loaded(adapter, session, everything):
    await adapter.sessions.save(session)
    before = await everything(adapter)
    await refused(adapter.sessions.save(session), 2, 3)
    assert await everything(adapter) == before


async def test_a_save_may_expect_another_version_than_its_own(adapter, session):
    session.version = 77
    assert (await adapter.sessions.save(session, expected=2)).version == 3
    await refused(adapter.sessions.save(session, expected=2), 2, 3)
    await refused(adapter.sessions.save(session, expected=4), 4, 3)


async def test_zero_expects_that_there_is_none(adapter, session, everything):
    before = await everything(adapter)
    await refused(adapter.sessions.save(session, expected=0), 0, 2)
    await refused(adapter.sessions.save(Session(id="s", user_id="u")), 0, 2)
    assert await everything(adapter) == before
    assert (await adapter.sessions.save(Session(id="new"), expected=0)).version == 1


async def test_zero_creates_from_a_value_with_a_version_but_no_key(adapter):
    assert (await adapter.sessions.save(Session(id="new", version=5), expected=0)).version == 1


async def test_any_writes_over_every_version(adapter, session):
    session.version = 1
    assert (await adapter.sessions.save(session, expected="any")).version == 3
    assert (await adapter.sessions.save(Session(id="s", user_id="u"), expected="any")).version == 4


async def test_any_never_creates(adapter):
    with pytest.raises(NotFound):
        await adapter.sessions.save(Session(id="new"), expected="any")
    with pytest.raises(NotFound):
        await adapter.sessions.save(Session(id="new", version=3))
    assert await adapter.sessions.get("new") is None


async def test_a_turn_expects_its_sessions_version_or_what_it_says(adapter, session, say):
    await refused(adapter.commit(Turn(session_id="s", session=session, expected=1, messages=say("c"))), 1, 2)
    await refused(adapter.commit(Turn(session_id="s", expected=1, messages=say("c"))), 1, 2)
    await refused(adapter.commit(Turn(session_id="s", expected=0, messages=say("c"))), 0, 2)
    done = await adapter.commit(Turn(session_id="s", session=session, messages=say("c")))
    assert (done.session.version, done.session.last_seq) == (3, 3)
    done = await adapter.commit(Turn(session_id="s", session=session, expected="any", messages=say("d")))
    assert (done.session.version, done.session.last_seq) == (4, 4)


async def test_appending_does_not_change_the_version(adapter, session, say):
    done = await adapter.commit(Turn(session_id="s", messages=say("c")))
    assert done.session.version == 2
    await adapter.messages.remove("s", after=0, through=1)
    await adapter.messages.replace("s", say("b")[0])
    assert (await adapter.sessions.save(session)).version == 3


@pytest.mark.parametrize("field", ["status", "agent", "completed_at", "expires_at", "state_expires_at", None])
async def test_every_save_raises_the_version(adapter, session, clock, field):
    later = clock.now.replace(year=2030)
    if field:
        setattr(session, field, later if field.endswith("_at") else "other")
    assert (await adapter.sessions.save(session)).version == 3


async def test_a_stale_last_position_is_a_conflict(adapter, session, say, everything):
    before = await everything(adapter)
    for stale in (0, 1, 3):
        await refused(adapter.messages.append("s", say("c"), last_seq=stale), stale, 2, "last_seq")
        turn = Turn(session_id="s", session=session, messages=say("c"), last_seq=stale)
        await refused(adapter.commit(turn), stale, 2, "last_seq")
        await refused(adapter.commit(Turn(session_id="s", remove=(0, 1), last_seq=stale)), stale, 2, "last_seq")
        await refused(adapter.sessions.delete("s", last_seq=stale), stale, 2, "last_seq")
    assert await everything(adapter) == before
    assert len(await adapter.messages.append("s", say("c"), last_seq=2)) == 1


async def test_the_last_position_counts_what_was_removed(adapter, say):
    await adapter.messages.remove("s", after=0, through=2)
    await refused(adapter.messages.append("s", say("c"), last_seq=0), 0, 2, "last_seq")
    [stored] = await adapter.messages.append("s", say("c"), last_seq=2)
    assert stored.seq == 3


async def test_the_version_is_compared_before_the_last_position(adapter, session, say):
    turn = Turn(session_id="s", session=session, expected=1, messages=say("c"), last_seq=0)
    await refused(adapter.commit(turn), 1, 2)


async def test_deletion_can_be_guarded(adapter, everything):
    before = await everything(adapter)
    await refused(adapter.sessions.delete("s", expected=1), 1, 2)
    await refused(adapter.sessions.delete("s", expected=0), 0, 2)
    await refused(adapter.sessions.delete("s", expected=2, last_seq=1), 1, 2, "last_seq")
    assert await everything(adapter) == before
    assert await adapter.sessions.delete("s", expected=2, last_seq=2) is True
    assert await adapter.sessions.delete("s", expected=2) is False


async def test_of_racing_saves_exactly_one_wins(adapter, session):
    copies = [session.model_copy(update={"data": {"n": number}}) for number in range(10)]
    answers = await asyncio.gather(*map(adapter.sessions.save, copies), return_exceptions=True)
    winners = [answer for answer in answers if isinstance(answer, Session)]
    assert [type(answer) for answer in answers].count(VersionConflict) == 9
    assert (await adapter.sessions.get("s")) == winners[0]


async def test_of_racing_creations_exactly_one_wins(adapter):
    values = [Session(id="new", data={"n": number}) for number in range(10)]
    answers = await asyncio.gather(*map(adapter.sessions.save, values), return_exceptions=True)
    [winner] = [answer for answer in answers if isinstance(answer, Session)]
    assert [type(answer) for answer in answers].count(VersionConflict) == 9
    assert await adapter.sessions.get("new") == winner


async def test_of_racing_guarded_appends_exactly_one_wins(adapter, say):
    calls = (adapter.messages.append("s", say(f"m{number}"), last_seq=2) for number in range(10))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    [winner] = [answer for answer in answers if not isinstance(answer, HoldfastError)]
    assert tuple(await adapter.messages.find("s", after=2)) == tuple(winner)


async def test_of_racing_turns_only_the_winners_messages_are_stored(adapter, session, say):
    turns = [Turn(session_id="s", session=session, messages=say(f"a{n}", f"b{n}")) for n in range(10)]
    answers = await asyncio.gather(*map(adapter.commit, turns), return_exceptions=True)
    [winner] = [answer for answer in answers if not isinstance(answer, HoldfastError)]
    assert tuple(await adapter.messages.find("s", after=2)) == winner.messages


@pytest.mark.parametrize("user", [None, "v", "U", "u "])
async def test_another_users_save_is_answered_as_if_there_were_none(adapter, session, user, everything, say):
    before = await everything(adapter)
    for value, expected in (
        (Session(id="s", user_id=user, version=2), None),
        (Session(id="s", user_id=user, version=2, key=session.key), None),
        (Session(id="s", user_id=user, version=1), None),
        (Session(id="s", user_id=user), "any"),
        (Session(id="s", user_id=user), None),
    ):
        with pytest.raises(NotFound) as theirs:
            await adapter.sessions.save(value, expected=expected)
        with pytest.raises(NotFound) as missing:
            await adapter.sessions.save(value.model_copy(update={"id": "t", "version": 9}))
        assert str(theirs.value) == str(missing.value).replace("'t'", "'s'")
        assert type(theirs.value) is NotFound
        with pytest.raises(NotFound):
            turn = Turn(session_id="s", session=value, expected=expected, messages=say("c"))
            await adapter.commit(turn)
    assert await everything(adapter) == before


async def test_another_users_expired_session_is_answered_as_if_there_were_none(adapter, clock):
    await adapter.sessions.save(Session(id="old", user_id="u", expires_at=clock.now))
    with pytest.raises(SessionExpired):
        await adapter.sessions.save(Session(id="old", user_id="u", version=1))
    with pytest.raises(NotFound) as theirs:
        await adapter.sessions.save(Session(id="old", user_id="v", version=1))
    assert type(theirs.value) is NotFound
