"""The three beats of an operation."""

import asyncio
import logging

import pytest

from holdfast import BackendTimeout, BackendUnavailable, NotFound
from holdfast.toolkit import Observed
from holdfast.toolkit.operation import operation


def translate(error, running):
    return BackendUnavailable("The driver failed.") if isinstance(error, OSError) else None


async def test_a_drivers_error_becomes_ours_with_the_drivers_as_its_cause():
    with pytest.raises(BackendUnavailable) as caught:
        async with operation("get", timeout=1, translate=translate, observer=None):
            raise OSError("of the driver")
    assert isinstance(caught.value.__cause__, OSError)


async def test_our_own_errors_and_bugs_pass_as_they_are():
    for error in (NotFound("x"), ZeroDivisionError()):
        with pytest.raises(type(error)) as caught:
            async with operation("get", timeout=1, translate=translate, observer=None):
                raise error
        assert caught.value is error


async def test_the_deadline_is_ours():
    with pytest.raises(BackendTimeout) as caught:
        async with operation("get", timeout=0.01, translate=translate, observer=None):
            await asyncio.sleep(10)
    assert isinstance(caught.value.__cause__, TimeoutError)


async def test_a_cancelled_caller_sees_his_cancellation():
    async def call():
        async with operation("get", timeout=5, translate=translate, observer=None):
            await asyncio.sleep(10)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_observer_is_told_of_each_end():
    told: list[Observed] = []
    async with operation("get", timeout=1, translate=translate, observer=told.append):
        pass
    with pytest.raises(BackendUnavailable):
        async with operation("find", timeout=1, translate=translate, observer=told.append):
            raise OSError
    assert [(one.name, type(one.error)) for one in told] == [("get", type(None)), ("find", BackendUnavailable)]
    assert all(one.seconds >= 0 for one in told)


async def test_an_observer_that_fails_is_logged_and_changes_no_result(caplog):
    def broken(observed):
        raise RuntimeError("observer")

    with caplog.at_level(logging.ERROR, "holdfast"):
        async with operation("get", timeout=1, translate=translate, observer=broken):
            result = 5
    assert result == 5
    assert "The observer of get failed" in caplog.text
