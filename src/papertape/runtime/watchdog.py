"""Watches that strategies come back: one that does not is stopped, and the run goes on.

A thread looks at the run; what it sees it tells by a signal, since a signal's handler runs in the main thread. There it
looks again, so that nobody is interrupted who has come back meanwhile, and nobody inside the engine's own work.
"""

import _thread
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from papertape.core.errors import DataError
from papertape.paper_trading.engine.rows import NONE
from papertape.paper_trading.engine.run import Run, StrategyLoops

LIMIT_S = 5.0
_LOOK_EVERY_S = 0.2
_TELL_EVERY_S = 0.02
_SIGNAL = getattr(signal, "SIGUSR1", signal.SIGABRT)  # Windows has no signal of the user's own
_ENGINE = "papertape.paper_trading."


@contextmanager
def watched(run: Run, limit_s: float = LIMIT_S) -> Iterator[None]:
    """Inside, a call of a strategy that lasts longer than `limit_s` seconds ends with StrategyLoops raised in it.

    Enter in the main thread, where the run is; raises DataError elsewhere.
    """
    if threading.current_thread() is not threading.main_thread():
        raise DataError("expected a run in the main thread, where strategies can be interrupted, was another thread")
    overdue = _Overdue(run)
    before = signal.signal(_SIGNAL, overdue.interrupt)
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(overdue, limit_s, ended), name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        signal.signal(_SIGNAL, before if before is not None else signal.SIG_DFL)


class _Overdue:
    """The call that has lasted too long, if any: set by the thread, read by the handler."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.number = NONE
        self.message = ""

    def interrupt(self, signal_number: int, frame: FrameType | None) -> None:
        """Raise in the strategy's own code, if it is still in that call."""
        number, seat = self.run.calling
        if seat == NONE or number != self.number:
            return
        code = Run._call.__code__  # noqa: SLF001 - the frame behind which a strategy's own frames stand
        while frame is not None and frame.f_code is not code:
            if str(frame.f_globals.get("__name__", "")).startswith(_ENGINE):
                return  # the strategy has called the engine: interrupted there it would leave half a command
            frame = frame.f_back
        if frame is not None:
            raise StrategyLoops(self.message)


def _watch(overdue: _Overdue, limit_s: float, ended: threading.Event) -> None:
    number, since, wait_s = NONE, 0.0, _LOOK_EVERY_S
    while not ended.wait(wait_s):
        wait_s = _LOOK_EVERY_S
        now = time.monotonic()
        latest, seat = overdue.run.calling
        if seat == NONE or latest != number:
            number, since = latest, now
        elif now - since >= limit_s:
            overdue.message = f"expected a strategy to come back within {limit_s:g} s, was still in the same call"
            overdue.number = number
            _tell()
            wait_s = _TELL_EVERY_S  # it may be in the engine just now, or swallow what it is told


def _tell() -> None:
    # A real signal also ends what waits in the system; where there is none, the interpreter looks by itself.
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, _SIGNAL)
    else:
        _thread.interrupt_main(_SIGNAL)
