"""The example of typed data, and whether it would notice a promise that is broken."""

import asyncio
from pathlib import Path

import pytest
from example_process import EXAMPLES, notices, promises, run

import holdfast
from holdfast import PersistenceManager

TYPED_BOOKING = EXAMPLES / "typed_booking.py"


def test_it_upgrades_refuses_and_leaves_a_sound_booking(tmp_path: Path) -> None:
    for _ in range(2):
        done = run(TYPED_BOOKING, str(tmp_path / "chat.db"))
        assert (done.returncode, done.stderr) == (0, "")
        assert len(promises(done)) == 10
        assert "data.guests: Input should be greater than or equal to 1." in done.stdout

    async def stored() -> list[tuple[int | None, dict[str, object]]]:
        async with holdfast.open(f"sqlite:///{tmp_path}/chat.db") as adapter:
            found = [await adapter.sessions.get(one.id) for one in await PersistenceManager(adapter).sessions()]
            return [(session.schema_version, session.data) for session in found if session]

    booking = {"restaurant": "Luigi's", "name": "Jane Doe", "date": "2026-03-06", "guests": None}
    assert asyncio.run(stored()) == [(2, booking), (2, booking)]


# What stands there, what is put in its place, or behind it, and the promise that it breaks.
IMPORT = "import holdfast\n"
BROKEN: dict[str, tuple[str, str, str]] = {
    "a migration that loses the name": ('"name": old["name"] or None', '"name": None', "upgraded"),
    "loading that writes": (
        "session.data == upgraded)",
        "session.data == upgraded); session.data.name = 'Jane'; await session.flush()",
        "not written back by loading",
    ),
    "a change that is not stored": (
        "session.data.guests = 5",
        "session.data.model_copy().guests = 5",
        "written back",
    ),
    "a version that nobody compares": (
        "error_of(first_program(adapter).load(session_id))",
        "error_of(adapter.sessions.get(session_id))",
        "version 1, where it still runs",
    ),
    "a model that allows it": ("ge=1, le=20", "ge=0, le=20", "refused, with the place"),
    "data that is not put back": (
        IMPORT,
        """
        from holdfast.manager.live.draft import Draft
        Draft.put_back = lambda self, *rest: None
        """,
        "the data is what it was",
    ),
    "words that are stored without the data": (
        'turn.add("user", "Nobody comes.")',
        'turn.add("user", "Nobody comes."), await turn.checkpoint()',
        "its words are not stored",
    ),
    "data that nobody checks": (
        "schema_version=2), program(adapter)",
        "schema_version=2), PersistenceManager(adapter, schema_version=2)",
        "a clear error",
    ),
    "raw data that is not raw": (
        "typed.load(session_id, raw=True)",
        "plain.load('nobody')",
        "it can be read as it is",
    ),
    "data that is not mended": ('{"guests": None}', '{"guests": 0}', "and mended"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_notices_a_promise_that_is_broken(name: str, tmp_path: Path) -> None:
    old, new, promise = BROKEN[name]
    assert promise in notices(tmp_path, "typed_booking.py", old, new)
