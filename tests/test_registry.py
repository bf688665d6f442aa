"""holdfast.open: from a URL to an adapter."""

from importlib.metadata import EntryPoint

import pytest

import holdfast
from holdfast import AdapterClosed, AdapterNotInstalled, ConfigurationError, HoldfastError, registry
from holdfast_memory import MemoryAdapter
from holdfast_sqlite import SQLiteAdapter

SECRET = "s3cr3t-pa55"


async def test_open_is_a_context_manager_that_closes(tmp_path):
    async with holdfast.open(f"sqlite:///{tmp_path}/chat.db") as adapter:
        assert isinstance(adapter, SQLiteAdapter)
        await adapter.ping()
    with pytest.raises(AdapterClosed):
        await adapter.ping()


async def test_open_can_be_awaited_and_closed_by_hand():
    adapter = await holdfast.open("memory://")
    assert isinstance(adapter, MemoryAdapter)
    await adapter.ping()
    await adapter.aclose()


async def test_a_relative_path_and_a_memory_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with holdfast.open("sqlite:///here%20it%20is.db"):
        assert (tmp_path / "here it is.db").exists()
    async with holdfast.open("sqlite://") as adapter:
        assert adapter.durability is holdfast.Durability.MEMORY
    assert [entry.name for entry in tmp_path.iterdir()] == ["here it is.db"]


def test_an_adapter_that_is_not_installed_names_the_pip_line(monkeypatch):
    monkeypatch.setattr(registry, "_entry_points", lambda scheme: [])
    with pytest.raises(AdapterNotInstalled) as caught:
        holdfast.open("sqlite:///chat.db")
    assert caught.value.install == 'pip install "holdfast[sqlite]"'
    assert caught.value.install in str(caught.value)


def test_an_unknown_scheme_names_the_known_ones():
    with pytest.raises(AdapterNotInstalled, match="memory, sqlite"):
        holdfast.open("nosuch://host")


def test_two_distributions_on_one_scheme_are_an_error_that_names_both(monkeypatch):
    rivals = [
        EntryPoint("sqlite", "holdfast_sqlite:SQLiteAdapter", "holdfast.adapters"),
        EntryPoint("sqlite", "rival_sqlite:Adapter", "holdfast.adapters"),
    ]
    monkeypatch.setattr(registry, "_entry_points", lambda scheme: rivals)
    with pytest.raises(ConfigurationError, match=r"holdfast_sqlite:SQLiteAdapter and rival_sqlite:Adapter"):
        holdfast.open("sqlite:///chat.db")


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("sqlite:///x.db?timout=3", "'timeout'"),
        ("sqlite:///x.db?sychronous=FULL", "'synchronous'"),
        ("memory://?mesage_ttl=3", "'message_ttl'"),
    ],
)
def test_an_unknown_option_names_the_nearest_one(url, hint):
    with pytest.raises(ConfigurationError, match=f"Did you mean {hint}"):
        holdfast.open(url)


def test_an_unknown_argument_names_the_nearest_option():
    with pytest.raises(ConfigurationError, match="Did you mean 'readers'"):
        holdfast.open("sqlite:///x.db", reader=2)


async def test_options_from_the_url_and_from_the_call(tmp_path):
    url = f"sqlite:///{tmp_path}/chat.db?synchronous=normal&timeout=5&message_ttl=60&refresh_ttl_on_read=yes"
    async with holdfast.open(url, readers=1) as adapter:
        assert adapter.durability is holdfast.Durability.PROCESS
        assert [finding.code for finding in adapter.findings] == ["sqlite.synchronous"]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///x.db?timeout=soon",
        "sqlite:///x.db?timeout=-1",
        "sqlite:///x.db?synchronous=OFF",
        "sqlite:///x.db?readers=0",
        "sqlite:///x.db?readers=many",
        "sqlite:///x.db?timeout=1&timeout=2",
        "sqlite:///x.db?clock=now",
        "sqlite:///x.db#part",
        "sqlite://host/x.db",
        "memory://name",
        "memory:///name",
        "chat.db",
        "",
        None,
        5,
    ],
)
def test_a_url_that_cannot_be_right_is_refused(url):
    with pytest.raises(ConfigurationError):
        holdfast.open(url)


def test_an_option_in_the_url_and_in_the_call():
    with pytest.raises(ConfigurationError, match="in the URL and in the call"):
        holdfast.open("sqlite:///x.db?timeout=1", timeout=2)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}@h:x/0",
        f"sqlite://u:{SECRET}@h/x.db",
        f"sqlite://u:{SECRET}@[/x.db",
        f"sqlite:///x.db?timeout={SECRET}",
        f"nosuch://u:{SECRET}@h?password={SECRET}",
        f"memory://u:{SECRET}@h",
        f"{SECRET}",
    ],
)
def test_no_error_shows_a_password(url):
    with pytest.raises(HoldfastError) as caught:
        holdfast.open(url)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None or SECRET not in str(caught.value.__cause__)


async def test_a_required_durability_fails_closed(tmp_path):
    with pytest.raises(ConfigurationError, match="process, and disk is required"):
        await holdfast.open(f"sqlite:///{tmp_path}/a.db?synchronous=NORMAL&require_durability=disk")
    async with holdfast.open(f"sqlite:///{tmp_path}/a.db?require_durability=disk") as adapter:
        assert adapter.durability is holdfast.Durability.DISK
