"""What a store promises to core: writes that a driver sends twice, and writes that name a life."""

import pytest

from holdfast import NotFound, Session, SessionFenced, Turn
from holdfast.clock import to_micros
from holdfast.ids import new_id
from holdfast.toolkit import Done, Ref, Refused, Removal, Span, Write


@pytest.fixture
def store(adapter):
    return adapter._runtime.store


@pytest.fixture
def write(clock):
    def make(**parts):
        return Write(
            **{"ref": Ref("", "s"), "turn_id": new_id(), "digest": b"", "now": to_micros(clock.now), **parts}
        )

    return make


async def test_a_creation_that_a_driver_sends_again_is_a_replay_however_late(adapter, store, say):
    turn = Turn(session_id="s", session=Session(id="s", data={"a": 1}), messages=say("a", "b"))
    creation = adapter._runtime.encode(turn, "")
    [first] = await store.flush([creation])
    for _ in range(20):
        await adapter.sessions.save(await adapter.sessions.get("s"))
    await adapter.messages.append("s", say("c"))
    await adapter.messages.remove("s", after=0, through=1)
    [again] = await store.flush([creation])
    assert isinstance(again, Done)
    assert again.replayed
    assert (again.head.key, again.head.version, again.head.next_seq) == (first.head.key, 1, 3)
    assert again.seqs == (None, 2)
    assert (await adapter.sessions.get("s")).version == 21


async def test_a_deletion_that_a_driver_sends_again_does_not_end_the_next_life(adapter, store, write):
    session = await adapter.sessions.save(Session(id="s"))
    deletion = write(key=session.key, delete=True)
    [first] = await store.flush([deletion])
    assert isinstance(first, Done)
    next_life = await adapter.sessions.save(Session(id="s"))
    [again] = await store.flush([deletion])
    assert isinstance(again, Refused)
    assert isinstance(again.error, NotFound)
    assert await adapter.sessions.get("s") == next_life


async def test_each_write_of_a_batch_has_its_own_outcome(adapter, store, write, say):
    for name in "abcd":
        await adapter.sessions.save(Session(id=name))
    await adapter.messages.append("c", say("old"))
    await store.flush([write(ref=Ref("", "d"), fence="f")])
    batch = [
        adapter._runtime.encode(Turn(session_id="a", messages=say("x", "y")), ""),
        write(ref=Ref("", "none"), delete=True),
        write(ref=Ref("", "b"), fence="f"),
        adapter._runtime.encode(Turn(session_id="d", messages=say("x")), ""),
        write(ref=Ref("", "c"), remove=Removal(0, 1)),
        adapter._runtime.encode(Turn(session_id="a", messages=say("z")), ""),
    ]
    done, missing, fenced, refused, removed, next_ = await store.flush(batch)
    assert done.seqs == (1, 2)
    assert isinstance(missing.error, NotFound)
    assert fenced.head.fence == "f"
    assert isinstance(refused.error, SessionFenced)
    assert (removed.removed, removed.head.message_count) == (1, 0)
    assert next_.seqs == (3,)


async def test_a_touch_moves_no_activity_and_a_head_comes_without_its_body(adapter, store, write, clock):
    session = await adapter.sessions.save(Session(id="s", data={"a": 1}))
    clock.pass_(hours=1)
    [done] = await store.flush([write(touch=True)])
    assert done.head.body is None
    assert await adapter.sessions.get("s") == session


async def test_heads_and_rows_are_those_that_were_asked_for(adapter, store, say):
    for name in "ab":
        await adapter.sessions.save(Session(id=name))
        await adapter.messages.append(name, say("x", "y", "z"))
    refs = [Ref("", "b"), Ref("", "none"), Ref("t", "a"), Ref("", "a"), Ref("", "b")]
    heads = await store.heads(refs, state=False)
    assert [head and head.key.id for head in heads] == ["b", None, None, "a", "b"]
    assert [head.body for head in heads if head] == [None, None, None]
    assert [head.body is None for head in await store.heads(refs[:1], state=True)] == [False]
    key = heads[0].key
    assert [row.id for row in await store.rows(key, Span(ids=("z", "none", "x")))] == ["x", "z"]
    assert [row.seq for row in await store.rows(key, Span(after=1, last=True, limit=1))] == [3]
    assert await store.rows(key._replace(key="0" * 32), Span()) is None
    assert await store.rows(key._replace(tenant="t"), Span()) is None


async def test_rows_of_a_life_that_is_not_dead_are_never_freed(adapter, store, say):
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say("a"))
    [head] = await store.heads([Ref("", "s")], state=False)
    assert await store.free(head.key, limit=10) == 0
    assert len(await adapter.messages.find("s")) == 1
