"""What the MetaTrader 5 double is told to do wrong, and for how long."""

from papertape.venue.mt5_types import RES_E_INTERNAL_FAIL_CONNECT

FOREVER = 1 << 62


class Mt5Faults:
    """Faults on command. A count says how many calls a fault lasts; `initialize` ends none of them by itself.

    `fail(code)` makes the next calls fail with that code of `last_error`; with `call`, only those of that function.
    `disconnect()` is a terminal that is gone: -10004 until `reconnect()`, and it must be initialised again after that.
    `broker_lost` is a terminal that runs and has no connection to its broker: no new ticks.
    `load_history(symbol, rows, calls)` is a history that still loads: tick calls see only the newest `rows` ticks.
    """

    def __init__(self) -> None:
        self.gone = False
        self.broker_lost = False
        self._failing: list[tuple[str, int, int]] = []
        self._loading: dict[str, tuple[int, int]] = {}

    def fail(self, code: int, *, call: str = "", calls: int = 1) -> None:
        """Fail the next `calls` calls with `code`."""
        self._failing.append((call, code, calls))

    def disconnect(self) -> None:
        """The terminal is closed."""
        self.gone = True

    def reconnect(self) -> None:
        """The terminal runs again."""
        self.gone = False

    def load_history(self, symbol: str, rows: int, calls: int) -> None:
        """For the next `calls` tick calls of `symbol` only its newest `rows` ticks are there."""
        self._loading[symbol] = (rows, calls)

    def code_for(self, call: str) -> int:
        """The error code that this call of the function `call` fails with; 0 when it succeeds."""
        if self.gone:
            return RES_E_INTERNAL_FAIL_CONNECT
        for place, (name, code, calls) in enumerate(self._failing):
            if name in ("", call):
                self._failing[place] = (name, code, calls - 1)
                self._failing = [fault for fault in self._failing if fault[2] > 0]
                return code
        return 0

    def rows_loaded(self, symbol: str) -> int:
        """How many of the newest ticks of `symbol` this call sees."""
        rows, calls = self._loading.get(symbol, (FOREVER, 0))
        if calls <= 0:
            self._loading.pop(symbol, None)
            return FOREVER
        self._loading[symbol] = (rows, calls - 1)
        return rows
