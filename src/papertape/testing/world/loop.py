"""An event loop whose time is simulated: it jumps to the next timer when nothing is ready, and nothing ever waits.

No sockets, no threads, no signals: what runs on it and draws its chance from a seed runs alike every time.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn, TypeVarTuple, Unpack

from papertape.core.errors import IntegrityError

Ts = TypeVarTuple("Ts")


class VirtualLoop(asyncio.BaseEventLoop):
    """`time()` starts at 0 and is all the time there is. Waiting with no timer set raises IntegrityError: it would be for ever."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._selector = _NoSockets(self)

    def time(self) -> float:
        """Simulated seconds since the loop was made."""
        return self._now_s

    def jump(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self._now_s += seconds

    def add_signal_handler(self, sig: int, callback: Callable[[Unpack[Ts]], Any], *args: *Ts) -> None:
        """Signals come from outside, and there is no outside."""

    def remove_signal_handler(self, sig: int) -> bool:
        """See `add_signal_handler`."""
        return False

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no events of the system."""

    def _write_to_self(self) -> None:
        """Nothing sleeps, so nothing has to be woken."""


class _NoSockets:
    """What the loop asks for events of the system, and for how long it may wait for one."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        """Wait, which here is to let the time pass."""
        if timeout is None:
            _nothing_can_happen()
        if timeout > 0:
            self._loop.jump(timeout)
        return []


def _nothing_can_happen() -> NoReturn:
    raise IntegrityError("every task of the simulated world waits, and no timer is set: nothing can happen any more")
