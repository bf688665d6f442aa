"""Options of adapters: refused when the adapter is made, or when it is opened; never silently ignored."""

from datetime import timedelta

import pytest

from holdfast import ConfigurationError, Durability, HoldfastError, InvalidArgument, Limits, Session

DURATIONS = [
    0,
    -1,
    float("nan"),
    float("inf"),
    101 * 366 * 86_400,
    timedelta(0),
    timedelta(days=-1),
    True,
    "5",
    [5],
    1e-9,
]
DURATIONS += [timedelta.max]


@pytest.mark.parametrize("value", DURATIONS, ids=repr)
def test_a_lifetime_is_positive_and_a_hundred_years_at_most(new_adapter, value):
    for name in ("message_ttl", "session_ttl"):
        with pytest.raises(InvalidArgument):
            new_adapter(**{name: value})
        with pytest.raises(InvalidArgument):
            new_adapter(**{f"{name}_by_status": {"active": value}})


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "5", None, timedelta(5)], ids=repr)
def test_a_deadline_is_a_positive_number_of_seconds(new_adapter, value):
    with pytest.raises(InvalidArgument):
        new_adapter(timeout=value)


@pytest.mark.parametrize(
    "options",
    [
        {"unknown": 1},
        {"limits": {"page": 5}},
        {"limits": 5},
        {"message_ttl_by_status": [("active", 5)]},
        {"message_ttl_by_status": 5},
        {"session_ttl_by_status": {5: 5}},
        {"refresh_ttl_on_read": "no"},
        {"refresh_ttl_on_read": 1},
        {"require_durability": "disk"},
        {"require_durability": 2},
        {"clock": 5},
        {"observer": 5},
        {"codec": 5},
    ],
    ids=str,
)
async def test_an_option_of_the_wrong_kind_is_refused_with_an_error_of_ours(new_adapter, options):
    with pytest.raises((ConfigurationError, InvalidArgument)):
        async with new_adapter(**options):
            pass


async def test_a_clock_must_know_its_zone(new_adapter, clock):
    adapter = new_adapter(clock=lambda: clock.now.replace(tzinfo=None))
    with pytest.raises(HoldfastError):
        async with adapter:
            await adapter.sessions.save(Session(id="s"))


async def test_too_much_required_durability_refuses_to_open(new_adapter):
    with pytest.raises(ConfigurationError):
        await new_adapter(require_durability=Durability.REPLICATED).initialize()


async def test_no_more_durability_than_there_is_may_be_required(open_adapter, adapter):
    again = await open_adapter(require_durability=adapter.durability)
    assert again.durability is adapter.durability


async def test_an_observer_is_told_of_each_operation_and_cannot_break_it(open_adapter, say):
    seen = []

    def observe(observed):
        seen.append((observed.name, type(observed.error)))
        raise RuntimeError(observed.name)

    adapter = await open_adapter(observer=observe)
    await adapter.sessions.save(Session(id="s"))
    with pytest.raises(HoldfastError):
        await adapter.messages.append("none", say("a"))
    assert ("sessions.save", type(None)) in seen
    assert seen[-1][0] == "messages.append"
    assert issubclass(seen[-1][1], HoldfastError)


async def test_limits_are_those_that_were_given(open_adapter):
    limits = Limits(page=7)
    assert (await open_adapter(limits=limits)).limits == limits
