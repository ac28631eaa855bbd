import asyncio
import time

import pytest

from papertape.core.errors import IntegrityError
from papertape.testing.world.loop import VirtualLoop


def run(main):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def test_time_jumps_to_the_next_timer():
    async def main():
        loop = asyncio.get_running_loop()
        order = []
        loop.call_later(7_200, order.append, "late")
        loop.call_later(3_600, order.append, "early")
        await asyncio.sleep(10_000)
        return loop.time(), order

    started_s = time.monotonic()
    assert run(main()) == (10_000.0, ["early", "late"])
    assert time.monotonic() - started_s < 3_600


def test_timeouts_and_groups_work():
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(3))
            group.create_task(asyncio.sleep(8))
        return asyncio.get_running_loop().time()

    assert run(main()) == 13.0


def test_waiting_for_ever_is_an_error():
    with pytest.raises(IntegrityError, match="nothing can happen"):
        run(asyncio.Event().wait())


def test_there_are_no_signals_and_threads_may_wake_it():
    async def main():
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.add_signal_handler(2, print)
        woken = asyncio.Event()
        loop.call_soon_threadsafe(woken.set)
        await woken.wait()
        loop.jump(5)
        return loop.remove_signal_handler(2), loop.time()

    assert run(main()) == (False, 5.0)
