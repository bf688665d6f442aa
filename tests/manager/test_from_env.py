"""A manager from the environment: what each variable does, and that nothing stays open behind it."""

import asyncio
import os

import pytest
from pydantic import BaseModel

import holdfast
from holdfast import (
    AdapterClosed,
    AdapterNotInstalled,
    Autosave,
    BackendUnavailable,
    ConfigurationError,
    FlushIncomplete,
    Hooks,
    PersistenceManager,
    Session,
    VersionConflict,
)


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in list(os.environ):
        if name.startswith("HOLDFAST_"):
            monkeypatch.delenv(name)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'chat.db'}"


@pytest.fixture
def set_env(monkeypatch, url):
    def set_them(**variables):
        for name, value in {"url": url, **variables}.items():
            monkeypatch.setenv(f"HOLDFAST_{name.upper()}", value)

    return set_them


async def test_the_url_names_the_backend(set_env, url):
    set_env()
    async with PersistenceManager.from_env() as manager:
        await manager.save(Session(id="s"))
    async with holdfast.open(url) as adapter:
        assert await adapter.sessions.get("s") is not None


async def test_options_of_the_adapter_stand_in_the_url(set_env, url):
    set_env(url=f"{url}?timeout=5")
    async with PersistenceManager.from_env() as manager:
        assert (await manager.health()).reachable
    set_env(url=f"{url}?tmeout=5")
    with pytest.raises(ConfigurationError):
        PersistenceManager.from_env()


async def test_the_tenant(set_env, url):
    set_env(tenant="acme")
    async with PersistenceManager.from_env() as manager:
        await manager.save(Session(id="s"))
    async with holdfast.open(url) as adapter:
        assert await adapter.sessions.get("s") is None
        assert await adapter.for_tenant("acme").sessions.get("s") is not None


@pytest.mark.parametrize(
    ("autosave", "expected"),
    [("turn", (1, 1, 1)), ("session", (0, 1, 1)), ("off", (0, 0, 0)), ("3600", (0, 1, 1)), ("1e3", (0, 1, 1))],
)
async def test_autosave(set_env, url, autosave, expected):
    in_turn, in_session, at_end = expected

    async def stored(adapter):
        session = await adapter.sessions.get("s")
        return 0 if session is None else session.last_seq

    set_env(autosave=autosave)
    async with PersistenceManager.from_env() as manager:
        async with manager.session("s") as session:
            async with session.turn() as turn:
                turn.add("user", "x")
            assert await stored(manager.adapter) == in_turn
        assert await stored(manager.adapter) == in_session
    async with holdfast.open(url) as adapter:
        assert await stored(adapter) == at_end


async def test_by_turn_and_raising_without_a_word(set_env):
    set_env()
    async with PersistenceManager.from_env() as manager, manager.session("s") as session:
        async with session.turn():
            session.data["n"] = 1
        await manager.update_data("s", {"n": 2})
        with pytest.raises(VersionConflict):
            async with session.turn():
                session.data["n"] = 3


@pytest.mark.parametrize("on_conflict", ["raise", "merge"])
async def test_on_conflict(set_env, on_conflict):
    set_env(on_conflict=on_conflict)
    async with PersistenceManager.from_env() as manager, manager.session("s") as session:
        await session.flush()
        await manager.update_data("s", {"theirs": 1})
        session.data["mine"] = 1
        if on_conflict == "raise":
            with pytest.raises(VersionConflict):
                await session.flush()
            await session.flush(state="theirs")
        else:
            await session.flush()
            assert session.data == {"theirs": 1, "mine": 1}


@pytest.mark.parametrize(("slow", "logged"), [("0", True), ("never", False), ("1000", False)])
async def test_slow(set_env, caplog, slow, logged):
    set_env(slow=slow)
    async with PersistenceManager.from_env() as manager:
        await manager.load("s")
    assert bool([record for record in caplog.records if record.getMessage().startswith("Slow:")]) is logged


async def test_options_that_are_given_come_first(set_env):
    set_env(autosave="session", slow="0")
    seen = []
    hooks = Hooks(after_save=lambda turn, committed: seen.append(turn.id))
    async with PersistenceManager.from_env(autosave="turn", hooks=hooks) as manager:
        async with manager.session("s") as session:
            async with session.turn("t") as turn:
                turn.add("user", "x")
            assert seen == ["t"]


class Booking(BaseModel):
    seats: int


async def test_typed_data(set_env):
    set_env()
    opening = PersistenceManager.from_env(data_type=Booking, data_factory=lambda: Booking(seats=1))
    async with opening as manager, manager.session("s") as session:
        assert session.data.seats == 1


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [
        {"autosave": "turns"},
        {"autosave": ""},
        {"autosave": "0"},
        {"autosave": "-1"},
        {"autosave": "nan"},
        {"autosave": "inf"},
        {"autosave": "Turn"},
        {"on_conflict": "mine"},
        {"on_conflict": ""},
        {"slow": "-1"},
        {"slow": "nan"},
        {"slow": "inf"},
        {"slow": "soon"},
        {"slow": ""},
        {"tenant": ""},
        {"tenant": "a\nb"},
        {"tenant": "x" * 256},
        {"url": ""},
        {"url": "chat.db"},
        {"url": "nosuch://x"},
        {"autosav": "turn"},
        {"": "x"},
        {"log_level": "debug"},
    ],
)
def test_a_wrong_variable_is_refused_at_once(set_env, variables, tmp_path):
    """'Raises: ConfigurationError: A variable is missing, unknown, or has no legal value.'"""
    set_env(**variables)
    with pytest.raises(ConfigurationError):
        PersistenceManager.from_env()
    assert not list(tmp_path.iterdir())


def test_a_missing_url_is_named():
    with pytest.raises(ConfigurationError, match="HOLDFAST_URL"):
        PersistenceManager.from_env()


@pytest.mark.parametrize("name", ["autosave", "on_conflict", "slow"])
@pytest.mark.parametrize("value", ["hunter2", "-3"])
def test_a_wrong_value_is_not_shown_and_its_variable_is_named(set_env, name, value):
    set_env(**{name: value})
    with pytest.raises(ConfigurationError, match=f"HOLDFAST_{name.upper()}") as caught:
        PersistenceManager.from_env()
    assert "hunter2" not in str(caught.value)


def test_unknown_variables_are_all_named(set_env):
    set_env(autosav="x", tenants="y")
    with pytest.raises(ConfigurationError, match="HOLDFAST_AUTOSAV, HOLDFAST_TENANTS"):
        PersistenceManager.from_env()


async def test_the_variables_of_test_servers_are_passed_over(set_env):
    set_env(test_postgres_url="postgres://x")
    async with PersistenceManager.from_env() as manager:
        assert (await manager.health()).reachable


def test_an_adapter_that_is_not_installed_is_named_and_a_password_is_not(set_env):
    set_env(url="nosuch://user:hunter2@host/db")
    with pytest.raises(AdapterNotInstalled) as caught:
        PersistenceManager.from_env()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("options", [{"autosave": "turns"}, {"on_conflict": 3}, {"nosuch": 1}, {"slow": -1}])
async def test_a_wrong_option_is_refused_and_nothing_stays_open(set_env, options):
    set_env()
    with pytest.raises(ConfigurationError):
        async with PersistenceManager.from_env(**options):
            pass


# --- the end -------------------------------------------------------------------------------------


async def closed(adapter):
    try:
        await adapter.ping()
    except AdapterClosed:
        return True
    return False


@pytest.mark.parametrize("tenant", [None, "acme"])
async def test_the_adapter_is_closed_at_the_end(set_env, tenant):
    set_env(**({} if tenant is None else {"tenant": tenant}))
    async with PersistenceManager.from_env() as manager:
        assert not await closed(manager.adapter)
    assert await closed(manager.adapter)


async def test_the_adapter_is_closed_though_the_body_raises(set_env, url):
    set_env(autosave="3600")
    with pytest.raises(ZeroDivisionError):
        async with PersistenceManager.from_env() as manager:
            session = await manager.session("s").__aenter__()
            async with session.turn() as turn:
                turn.add("user", "x")
            raise ZeroDivisionError
    assert await closed(manager.adapter)
    async with holdfast.open(url) as adapter:
        assert (await adapter.sessions.get("s")).last_seq == 1


async def test_the_adapter_is_closed_though_something_is_left(set_env):
    def refuse(turn):
        raise BackendUnavailable

    set_env()
    with pytest.raises(FlushIncomplete):
        async with PersistenceManager.from_env(
            autosave=Autosave(every=3600), hooks=Hooks(before_save=refuse)
        ) as manager:
            session = await manager.session("s").__aenter__()
            async with session.turn() as turn:
                turn.add("user", "x")
    assert await closed(manager.adapter)


async def test_the_adapter_is_closed_and_everything_stored_though_the_program_is_cancelled(set_env, url):
    set_env(autosave="3600")
    found, waiting = [], asyncio.Event()

    async def serve():
        async with PersistenceManager.from_env() as manager:
            found.append(manager)
            async with manager.session("s") as session:
                async with session.turn() as turn:
                    turn.add("user", "x")
                waiting.set()
                await asyncio.Event().wait()

    program = asyncio.create_task(serve())
    await waiting.wait()
    program.cancel()
    with pytest.raises(asyncio.CancelledError):
        await program
    assert await closed(found[0].adapter)
    async with holdfast.open(url) as adapter:
        assert (await adapter.sessions.get("s")).last_seq == 1
