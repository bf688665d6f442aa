"""Identity: a deletion that names the life that it means."""

from holdfast import Adapter, Session, VersionConflict
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause


async def _lives(case: Case) -> tuple[Adapter, Session, Session]:
    """An adapter with a session of two messages, as it was in its first life, and as it was created now."""
    adapter = await case.open()
    old = await adapter.sessions.save(Session(id="s", data={"life": 1}))
    await adapter.messages.append("s", case.say("a"))
    await adapter.sessions.delete("s")
    new = await adapter.sessions.save(Session(id="s", data={"life": 2}))
    await adapter.messages.append("s", case.say("b", "c"))
    return adapter, old, new


@clause("identity.delete_by_key", "A deletion that names the key of the living session ends it.")
async def by_key(case: Case) -> None:
    adapter, _, new = await _lives(case)
    answers = [await adapter.sessions.delete(name, key=new.key) for name in ("never", "s", "s")]
    case.same(
        answers, [False, True, False], "the answers to deleting one that never was, the living one, and again"
    )
    case.same(await adapter.sessions.get("s"), None, "the deleted session")
    case.same(await case.everything(adapter), [[]], "what is stored")


@clause(
    "identity.delete_by_dead_key",
    "A deletion that names another key than the living session's leaves it alone, and tells that there was none.",
    level=Level.SMOKE,
)
async def by_dead_key(case: Case) -> None:
    adapter, old, _ = await _lives(case)
    other = await adapter.sessions.save(Session(id="other"))
    keys = {"a dead life": old.key, "another session": other.key, "nothing": "0" * 32}
    async with case.unchanged(adapter):
        for whose, key in keys.items():
            with case.about(f"the key of {whose}"):
                # Guards that fit do not make up for it, and those that do not are not even told.
                for guards in ({}, {"expected": 1, "last_seq": 2}, {"expected": 9}, {"last_seq": 0}):
                    deleted = await adapter.sessions.delete("s", key=key, **guards)
                    case.same(deleted, False, f"the answer with the guards {guards}")


@clause(
    "identity.delete_by_key_guarded", "Beside the key of the living session, the other guards of a deletion hold."
)
async def by_key_guarded(case: Case) -> None:
    adapter, _, new = await _lives(case)
    async with case.unchanged(adapter):
        stale = ({"expected": 2}, {"last_seq": 1}, {"expected": 1, "last_seq": 1}, {"expected": 2, "last_seq": 2})
        for guards in stale:
            with case.about(f"the guards {guards}"):
                await case.refused(VersionConflict, adapter.sessions.delete("s", key=new.key, **guards))
    deleted = await adapter.sessions.delete("s", key=new.key, expected=1, last_seq=2)
    case.same(deleted, True, "the answer where all of them fit")
    case.same(await adapter.sessions.get("s"), None, "the deleted session")
