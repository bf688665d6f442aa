"""New, open, closed; one loop; one process."""

import asyncio
import pickle
import threading

import pytest
from tests.conftest import raised_in_a_fork

from holdfast import (
    Adapter,
    AdapterClosed,
    Capability,
    HoldfastError,
    Message,
    MessageRepository,
    Session,
    SessionQuery,
    Turn,
    UnsupportedCapability,
    WrongEventLoop,
    WrongProcess,
)

CALLS = {
    "sessions.get": lambda a: a.sessions.get("s"),
    "sessions.save": lambda a: a.sessions.save(Session(id="s")),
    "sessions.find": lambda a: a.sessions.find(SessionQuery()),
    "sessions.delete": lambda a: a.sessions.delete("s"),
    "messages.append": lambda a: a.messages.append("s", [Message(role="user")]),
    "messages.find": lambda a: a.messages.find("s"),
    "messages.get": lambda a: a.messages.get("s", "m"),
    "messages.remove": lambda a: a.messages.remove("s", after=0, through=1),
    "messages.replace": lambda a: a.messages.replace("s", Message(id="m", role="user")),
    "commit": lambda a: a.commit(Turn(session_id="s")),
    "ping": lambda a: a.ping(),
    "sweep": lambda a: a.sweep(),
}
LEARNED = ["capabilities", "durability", "findings"]


@pytest.mark.parametrize("call", CALLS)
async def test_nothing_works_before_opening_or_after_closing(new_adapter, call):
    adapter = new_adapter()
    view = adapter.for_tenant("t")
    for each in (adapter, view):
        with pytest.raises(AdapterClosed):
            await CALLS[call](each)
    async with adapter:
        pass
    for each in (adapter, view, adapter.for_tenant("later")):
        with pytest.raises(AdapterClosed):
            await CALLS[call](each)


@pytest.mark.parametrize("name", LEARNED)
async def test_what_it_can_do_is_known_once_it_was_opened(new_adapter, name):
    adapter = new_adapter()
    with pytest.raises(AdapterClosed):
        getattr(adapter, name)
    assert adapter.limits.page == 1000
    async with adapter:
        getattr(adapter, name)


async def test_what_every_adapter_here_offers(adapter):
    wanted = {Capability.TENANTS, Capability.PARENTS, Capability.EXPIRY, Capability.REMOVE, Capability.REPLACE}
    assert wanted <= adapter.capabilities
    assert (Capability.SHARED in adapter.capabilities) == (Capability.SURVIVES_PROCESS in adapter.capabilities)


async def test_opening_twice_and_closing_twice_do_nothing_more(new_adapter):
    adapter = new_adapter()
    await adapter.aclose()
    await adapter.initialize()
    await adapter.sessions.save(Session(id="s"))
    await adapter.initialize()
    assert await adapter.sessions.get("s") is not None
    await adapter.aclose()
    await adapter.aclose()


async def test_what_was_closed_cannot_be_opened_again(new_adapter):
    adapter = new_adapter()
    async with adapter:
        pass
    with pytest.raises(AdapterClosed):
        await adapter.initialize()
    with pytest.raises(AdapterClosed):
        async with adapter:
            pass


async def test_whoever_opens_at_the_same_time_finds_it_open(new_adapter):
    adapter = new_adapter()

    async def use(name):
        await adapter.initialize()
        await adapter.sessions.save(Session(id=name))
        return adapter.capabilities

    try:
        answers = await asyncio.gather(*(use(f"s{number}") for number in range(5)), return_exceptions=True)
        assert set(answers) == {adapter.capabilities}
        assert len(await adapter.sessions.find(SessionQuery())) == 5
    finally:
        await adapter.aclose()


async def test_what_runs_while_it_closes_ends_or_is_refused_with_an_error_of_ours(new_adapter):
    adapter = new_adapter()
    await adapter.initialize()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", [Message(id="m", role="user")])
    running = [asyncio.ensure_future(call(adapter)) for call in (*CALLS.values(), *CALLS.values())]
    await asyncio.sleep(0)
    await adapter.aclose()
    answers = await asyncio.gather(*running, return_exceptions=True)
    strange = [
        answer for answer in answers if isinstance(answer, Exception) and not isinstance(answer, HoldfastError)
    ]
    assert strange == []


async def test_an_error_inside_closes_it(new_adapter):
    adapter = new_adapter()
    with pytest.raises(ZeroDivisionError):
        async with adapter:
            raise ZeroDivisionError
    with pytest.raises(AdapterClosed):
        await adapter.ping()


async def test_closing_a_view_leaves_it_open_and_closing_it_closes_its_views(new_adapter):
    adapter = new_adapter()
    async with adapter:
        view = adapter.for_tenant("t")
        await view.aclose()
        async with view:
            await view.ping()
        await adapter.ping()
    with pytest.raises(AdapterClosed):
        await view.ping()


@pytest.mark.parametrize("call", [*CALLS, "aclose", "initialize"])
async def test_another_loop_is_refused(adapter, call):
    caught = []

    def elsewhere():
        async def run():
            try:
                await (CALLS[call](adapter) if call in CALLS else getattr(adapter, call)())
            except Exception as error:  # noqa: BLE001 - it is looked at outside
                caught.append(error)

        asyncio.run(run())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert [type(error) for error in caught] == [WrongEventLoop]
    await adapter.ping()


@pytest.mark.parametrize("call", CALLS)
async def test_another_process_is_refused(adapter, call):
    assert raised_in_a_fork(lambda: CALLS[call](adapter)) == WrongProcess.__name__
    await adapter.ping()


async def test_what_is_not_offered_is_named(adapter):
    class Records:
        pass

    for port in (adapter.port, adapter.for_tenant("t").port):
        with pytest.raises(UnsupportedCapability) as caught:
            port(Records)
        assert caught.value.capability
        assert "Records" in str(caught.value)
        assert pickle.loads(pickle.dumps(caught.value)).capability == caught.value.capability


def test_an_adapter_follows_its_protocol(new_adapter):
    adapter: Adapter = new_adapter()
    messages: MessageRepository = adapter.messages
    assert "new" in repr(adapter)
    assert messages is not None
