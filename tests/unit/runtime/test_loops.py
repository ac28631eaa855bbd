import asyncio
import os
import signal
import sys

import pytest

from papertape.core.errors import InputError
from papertape.runtime.loops import run_async, stop_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as POSIX systems send them")


def test_an_error_of_a_task_comes_out_bare() -> None:
    async def fails() -> None:
        raise InputError("the one thing that is wrong")

    async def main() -> None:
        async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as group:
            outer.create_task(asyncio.sleep(0))
            group.create_task(fails())

    with pytest.raises(InputError, match="the one thing"):
        run_async(main())


def test_a_result_comes_out() -> None:
    async def main() -> int:
        return 7

    assert run_async(main()) == 7


@pytest.mark.parametrize(("number", "interrupted"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_signal_is_told_once_and_inside_only(number: signal.Signals, interrupted: bool) -> None:
    async def main() -> bool:
        with stop_signals() as stop:
            os.kill(os.getpid(), number)
            async with asyncio.timeout(10):
                return await stop

    before = signal.getsignal(signal.SIGTERM)
    assert run_async(main()) is interrupted
    assert signal.getsignal(signal.SIGTERM) == before
