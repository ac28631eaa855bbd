"""The event loop: uvloop where it exists, signals that ask to stop, and errors without their wrapping."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end on the fastest loop there is; an error that task groups wrapped comes out bare."""
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(main)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None


@contextmanager
def stop_signals() -> Iterator["asyncio.Future[bool]"]:
    """A future that SIGINT sets to True and SIGTERM to False, on the loop, while the block runs."""
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[bool] = loop.create_future()

    def on_signal(interrupted: bool) -> None:
        if not stop.done():
            stop.set_result(interrupted)

    wanted = ((signal.SIGINT, True), (signal.SIGTERM, False))
    if sys.platform == "win32":
        for number, interrupted in wanted:
            signal.signal(number, lambda *_, told=interrupted: loop.call_soon_threadsafe(on_signal, told))
        yield stop
        return
    for number, interrupted in wanted:
        loop.add_signal_handler(number, on_signal, interrupted)
    try:
        yield stop
    finally:
        for number, _ in wanted:
            loop.remove_signal_handler(number)
