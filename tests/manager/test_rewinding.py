"""The last turn undone; and what an adapter may lack, or have lost."""

import pytest
from tests.manager.histories import Meanwhile, says, seqs, seqs_by_page, store

from holdfast import CorruptRecord, Limits, NotFound, Session, UnsupportedCapability, VersionConflict
from holdfast.manager.upkeep.rewinding import last_turn, prune, redact, remove_last_turn
from holdfast.toolkit import StoreAdapter
from holdfast_memory import MemoryAdapter

# --- the last turn -------------------------------------------------------------------------------


async def test_the_last_turn_is_given_whole(adapter):
    await store(adapter, [says("old")], [says("new"), says("newer")])
    assert [message.content for message in await last_turn(adapter, "s")] == ["new", "newer"]


async def test_the_last_turn_may_be_larger_than_a_page(make_adapter, backend, tmp_path):
    async with make_adapter(backend, tmp_path, limits=Limits(page=3, page_default=2)) as small:
        await store(small, [says()], [says() for _ in range(11)])
        assert len(await last_turn(small, "s")) == 11
        assert len(await remove_last_turn(small, "s")) == 11
        assert await seqs_by_page(small) == [1]


async def test_removing_the_last_turn_gives_what_was_removed_and_leaves_the_state(adapter):
    saved = await adapter.sessions.save(Session(id="s", data={"step": 2}))
    await store(adapter, [says()], [says("a"), says("b")])
    assert [message.content for message in await remove_last_turn(adapter, "s")] == ["a", "b"]
    assert await seqs(adapter) == [1]
    session = await adapter.sessions.get("s")
    assert (session.data, session.version) == ({"step": 2}, saved.version)
    assert [message.seq for message in await remove_last_turn(adapter, "s")] == [1]
    assert await remove_last_turn(adapter, "s") == ()
    assert await last_turn(adapter, "s") == ()


async def test_nothing_is_removed_when_somebody_has_appended_meanwhile(adapter):
    await store(adapter, [says()], [says()])
    racing = Meanwhile(adapter, lambda: store(adapter, [says("in between")]))
    with pytest.raises(VersionConflict) as caught:
        await remove_last_turn(racing, "s")
    assert caught.value.guard == "last_seq"
    assert await seqs(adapter) == [1, 2, 3]


async def test_of_two_who_remove_the_same_turn_one_gets_it(adapter):
    await store(adapter, [says()], [says("a"), says("b")])
    racing = Meanwhile(adapter, lambda: remove_last_turn(adapter, "s"))
    assert await remove_last_turn(racing, "s") == ()
    assert await seqs(adapter) == [1]


@pytest.mark.parametrize("remove", [remove_last_turn, lambda adapter, id_: prune(adapter, id_, keep=1)])
async def test_another_life_of_the_session_is_never_touched(adapter, remove):
    await store(adapter, [says()], [says()])

    async def begin_again():
        await adapter.sessions.delete("s")
        await store(adapter, [says("new life")], [says("new life")])

    with pytest.raises(NotFound):
        await remove(Meanwhile(adapter, begin_again), "s")
    assert await seqs(adapter) == [1, 2]


async def test_a_session_that_is_not_there_is_not_found(adapter):
    for asked in (last_turn(adapter, "s"), remove_last_turn(adapter, "s"), prune(adapter, "s", keep=1)):
        with pytest.raises(NotFound):
            await asked


# --- what an adapter may lack, or have lost ------------------------------------------------------


async def test_an_adapter_that_cannot_remove_or_replace_says_so():
    from holdfast.toolkit import Facts
    from holdfast_memory._store import MemoryStore

    class Bare(MemoryStore):
        async def initialize(self, **asked):
            facts = await super().initialize(**asked)
            return Facts(frozenset(), facts.durability)

    async with StoreAdapter(Bare(), translate=lambda error, running: None, options={}) as bare:
        message = says()
        await store(bare, [message], [says()])
        for asked in (remove_last_turn(bare, "s"), prune(bare, "s", keep=1), redact(bare, "s", message.id)):
            with pytest.raises(UnsupportedCapability):
                await asked
        assert await seqs(bare) == [1, 2]


async def test_what_cannot_be_read_is_not_removed():
    async with MemoryAdapter() as adapter:
        await store(adapter, [says()], [says()])
        [rows] = adapter._memory._rows.values()
        rows.by_seq[2] = rows.by_seq[2]._replace(body="{")
        for asked in (remove_last_turn(adapter, "s"), prune(adapter, "s", keep=1)):
            with pytest.raises(CorruptRecord):
                await asked
        assert rows.seqs == [1, 2]
