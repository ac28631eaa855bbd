"""The double of a MetaTrader 5 terminal: an object with the functions of the MetaTrader5 package, fed by recorded ticks.

Nothing raises: a call that fails returns None or False, and `last_error()` says why. Ticks come to be as the clock
that is handed in reaches them. No order is ever carried out.
"""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, cast

import numpy as np

from papertape.core.clock import Clock
from papertape.venue import mt5_types as mt5
from papertape.venue.mt5_faults import Mt5Faults
from papertape.venue.mt5_rates import Rows, bars

_NS_PER_MS = 1_000_000
Offset = Callable[[int], int]
"""The broker's clock minus UTC, in seconds, at a time in ns UTC."""


class Mt5TerminalDouble:
    """A terminal whose broker lists `symbols` and has recorded `ticks` for some of them, in the broker's wall clock.

    `clock` tells UTC, `offset` what the broker's clock adds to it. Symbols in `selected` stand in the Market Watch;
    ticks and symbol values of the others are only there after `symbol_select`. The package's constants are attributes.
    """

    def __init__(
        self,
        symbols: Mapping[str, mt5.SymbolInfo],
        ticks: Mapping[str, Rows],
        clock: Clock,
        *,
        offset: Offset = lambda _: 0,
        selected: tuple[str, ...] = (),
        account: mt5.AccountInfo | None = None,
    ) -> None:
        self.faults = Mt5Faults()
        self._symbols = dict(symbols)
        self._ticks = {name: np.ascontiguousarray(rows, dtype=mt5.TICK_DTYPE) for name, rows in ticks.items()}
        self._clock = clock
        self._offset = offset
        self._selected = set(selected)
        self._account = account or mt5.AccountInfo()
        self._initialised = False
        self._error = mt5.RES_S_OK
        self._halted_msc: int | None = None

    def __getattr__(self, name: str) -> int:
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        raise AttributeError(f"{type(self).__name__} has no {name}")

    # The terminal itself.

    def initialize(self, path: str = "", **_: Any) -> bool:
        """Connect to the terminal."""
        self._initialised = self._answers("initialize", initialised=True)
        return self._initialised

    def login(self, login: int, password: str = "", server: str = "", timeout: int = 60_000) -> bool:
        """Log in; any account is taken."""
        return self._answers("login")

    def shutdown(self) -> None:
        """Let go of the terminal."""
        self._initialised = False

    def version(self) -> tuple[int, int, str] | None:
        """Version, build and date of the terminal."""
        return (500, mt5.TerminalInfo().build, "1 Jan 2026") if self._answers("version") else None

    def last_error(self) -> tuple[int, str]:
        """Code and text of the last call's outcome."""
        return self._error, mt5.ERROR_TEXTS[self._error]

    def terminal_info(self) -> mt5.TerminalInfo | None:
        """The terminal's state."""
        if not self._answers("terminal_info"):
            return None
        return mt5.TerminalInfo(connected=not self.faults.broker_lost)

    def account_info(self) -> mt5.AccountInfo | None:
        """The account."""
        return self._account if self._answers("account_info") else None

    # Symbols.

    def symbols_total(self) -> int | None:
        """How many symbols the broker lists."""
        return len(self._symbols) if self._answers("symbols_total") else None

    def symbols_get(self, group: str = "*") -> tuple[mt5.SymbolInfo, ...] | None:
        """The symbols that match `group`: patterns parted by commas, in order, `!` excluding."""
        if not self._answers("symbols_get"):
            return None
        names: dict[str, None] = {}
        for pattern in group.split(","):
            for name in self._symbols:
                if fnmatchcase(name, pattern.lstrip("!")):
                    if pattern.startswith("!"):
                        names.pop(name, None)
                    else:
                        names[name] = None
        return tuple(self._info(name) for name in self._symbols if name in names)

    def symbol_info(self, symbol: str) -> mt5.SymbolInfo | None:
        """A symbol's contract; prices are 0 while it is not selected."""
        return self._info(symbol) if self._answers("symbol_info") and self._is_listed(symbol) else None

    def symbol_select(self, symbol: str, enable: bool = True) -> bool:
        """Put a symbol into the Market Watch, or take it out."""
        if not self._answers("symbol_select") or not self._is_listed(symbol):
            return False
        (self._selected.add if enable else self._selected.discard)(symbol)
        return True

    def symbol_info_tick(self, symbol: str) -> mt5.Tick | None:
        """The newest tick of a selected symbol; all fields 0 before its first."""
        if not self._answers("symbol_info_tick") or not self._is_selected(symbol):
            return None
        rows = self._so_far(symbol)
        return mt5.Tick(*rows[-1].tolist()) if len(rows) else mt5.Tick()

    def market_book_add(self, symbol: str) -> bool:
        """Forex has no depth of market: unsupported."""
        return self._fails(mt5.RES_E_UNSUPPORTED)

    def market_book_get(self, symbol: str) -> None:
        """Forex has no depth of market: unsupported."""
        self._fails(mt5.RES_E_UNSUPPORTED)

    def market_book_release(self, symbol: str) -> bool:
        """Forex has no depth of market: unsupported."""
        return self._fails(mt5.RES_E_UNSUPPORTED)

    # Ticks and bars. Times are in the broker's clock.

    def copy_ticks_from(self, symbol: str, date_from: Any, count: int, flags: int) -> Rows | None:
        """`count` ticks at most from `date_from` (s) on, oldest first."""
        start_s = self._readable("copy_ticks_from", symbol, date_from)
        if start_s is None or not self._tick_arguments_right(count, flags):
            return None
        rows = self._loaded(symbol)
        rows = _of_kind(rows[np.searchsorted(rows["time_msc"], start_s * 1000) :], flags)
        return rows[:count].copy()

    def copy_ticks_range(self, symbol: str, date_from: Any, date_to: Any, flags: int) -> Rows | None:
        """Ticks from `date_from` to `date_to` (s), both included."""
        start_s = self._readable("copy_ticks_range", symbol, date_from)
        end_s = _seconds(date_to)
        if start_s is None or end_s is None or not self._tick_arguments_right(1, flags):
            if end_s is None:
                self._fails(mt5.RES_E_INVALID_PARAMS)
            return None
        rows = self._loaded(symbol)
        start, stop = np.searchsorted(rows["time_msc"], [start_s * 1000, end_s * 1000 + 1])
        return _of_kind(rows[start:stop], flags).copy()

    def copy_rates_from(self, symbol: str, timeframe: int, date_from: Any, count: int) -> Rows | None:
        """`count` bars at most up to the one at `date_from` (s), oldest first."""
        until_s = self._readable("copy_rates_from", symbol, date_from)
        rates = None if until_s is None else self._bars(symbol, timeframe)
        return None if rates is None else rates[rates["time"] <= until_s][-count:]

    def copy_rates_from_pos(self, symbol: str, timeframe: int, start_pos: int, count: int) -> Rows | None:
        """`count` bars at most that end `start_pos` before the one in progress, oldest first."""
        start_s = self._readable("copy_rates_from_pos", symbol, start_pos)
        rates = None if start_s is None else self._bars(symbol, timeframe)
        if rates is None:
            return None
        stop = max(len(rates) - start_pos, 0)
        return rates[max(stop - count, 0) : stop]

    def copy_rates_range(self, symbol: str, timeframe: int, date_from: Any, date_to: Any) -> Rows | None:
        """Bars that begin from `date_from` to `date_to` (s)."""
        start_s = self._readable("copy_rates_range", symbol, date_from)
        end_s = _seconds(date_to)
        if end_s is None:
            self._fails(mt5.RES_E_INVALID_PARAMS)
            return None
        rates = None if start_s is None else self._bars(symbol, timeframe)
        return None if rates is None else rates[(rates["time"] >= start_s) & (rates["time"] <= end_s)]

    # Orders: the double has none and takes none.

    def orders_total(self) -> int | None:
        """No orders."""
        return 0 if self._answers("orders_total") else None

    def orders_get(self, **_: Any) -> tuple[()] | None:
        """No orders."""
        return () if self._answers("orders_get") else None

    def positions_total(self) -> int | None:
        """No positions."""
        return 0 if self._answers("positions_total") else None

    def positions_get(self, **_: Any) -> tuple[()] | None:
        """No positions."""
        return () if self._answers("positions_get") else None

    def history_orders_total(self, *_: Any) -> int | None:
        """No orders."""
        return 0 if self._answers("history_orders_total") else None

    def history_orders_get(self, *_: Any, **__: Any) -> tuple[()] | None:
        """No orders."""
        return () if self._answers("history_orders_get") else None

    def history_deals_total(self, *_: Any) -> int | None:
        """No deals."""
        return 0 if self._answers("history_deals_total") else None

    def history_deals_get(self, *_: Any, **__: Any) -> tuple[()] | None:
        """No deals."""
        return () if self._answers("history_deals_get") else None

    def order_calc_margin(self, action: int, symbol: str, volume: float, price: float) -> float | None:
        """Margin of an FX order when the deposit currency is the quote currency: lots x contract x price / leverage."""
        if not self._answers("order_calc_margin") or not self._is_selected(symbol):
            return None
        return volume * self._symbols[symbol].trade_contract_size * price / self._account.leverage

    def order_calc_profit(
        self, action: int, symbol: str, volume: float, price_open: float, price_close: float
    ) -> float | None:
        """Profit in the quote currency."""
        if not self._answers("order_calc_profit") or not self._is_selected(symbol):
            return None
        gained = price_close - price_open if action == 0 else price_open - price_close
        return volume * self._symbols[symbol].trade_contract_size * gained

    def order_check(self, request: dict[str, Any]) -> None:
        """Trading through the interface is switched off."""
        self._fails(mt5.RES_E_AUTO_TRADING_DISABLED)

    def order_send(self, request: dict[str, Any]) -> mt5.OrderSendResult | None:
        """Refused: trading is disabled."""
        if not self._answers("order_send"):
            return None
        return mt5.OrderSendResult(mt5.TRADE_RETCODE_TRADE_DISABLED, comment="Trade disabled", request=request)

    # What the functions share.

    def _fails(self, code: int) -> bool:
        self._error = code
        return False

    def _answers(self, call: str, *, initialised: bool = False) -> bool:
        """Whether this call succeeds, as far as the terminal goes."""
        self._server_msc()  # a broker that was just lost: its clock stands from here on
        code = self.faults.code_for(call)
        if code in _TERMINAL_LOST:
            self._initialised = False
        if not code and not (self._initialised or initialised):
            code = mt5.RES_E_INTERNAL_FAIL_CONNECT
        self._error = code or mt5.RES_S_OK
        return not code

    def _is_listed(self, symbol: Any) -> bool:
        if not isinstance(symbol, str):
            return self._fails(mt5.RES_E_INVALID_PARAMS)
        return symbol in self._symbols or self._fails(mt5.RES_E_NOT_FOUND)

    def _is_selected(self, symbol: Any) -> bool:
        return self._is_listed(symbol) and (symbol in self._selected or self._fails(mt5.RES_E_FAIL))

    def _readable(self, call: str, symbol: Any, date_from: Any) -> int | None:
        """`date_from` in seconds when the call may read ticks of `symbol`."""
        if not self._answers(call) or not self._is_selected(symbol):
            return None
        start_s = _seconds(date_from)
        if start_s is None:
            self._fails(mt5.RES_E_INVALID_PARAMS)
        return start_s

    def _tick_arguments_right(self, count: Any, flags: Any) -> bool:
        known = flags in (mt5.COPY_TICKS_ALL, mt5.COPY_TICKS_INFO, mt5.COPY_TICKS_TRADE)
        right = known and isinstance(count, int) and count > 0
        return right or self._fails(mt5.RES_E_INVALID_PARAMS)

    def _server_msc(self) -> int:
        """The broker's clock; it stands still while the terminal has no connection to the broker."""
        if self.faults.broker_lost:
            if self._halted_msc is None:
                self._halted_msc = self._broker_msc()
            return self._halted_msc
        self._halted_msc = None
        return self._broker_msc()

    def _broker_msc(self) -> int:
        utc_ns = self._clock.now_ns()
        return utc_ns // _NS_PER_MS + 1000 * self._offset(utc_ns)

    def _so_far(self, symbol: str) -> Rows:
        rows = self._ticks.get(symbol)
        if rows is None:
            return np.zeros(0, mt5.TICK_DTYPE)
        return rows[: np.searchsorted(rows["time_msc"], self._server_msc(), side="right")]

    def _loaded(self, symbol: str) -> Rows:
        rows = self._so_far(symbol)
        return rows[max(len(rows) - self.faults.rows_loaded(symbol), 0) :]

    def _bars(self, symbol: str, timeframe: int) -> Rows | None:
        rates = bars(self._loaded(symbol), timeframe, self._symbols[symbol].point)
        if rates is None:
            self._fails(mt5.RES_E_INVALID_PARAMS)
        return rates

    def _info(self, symbol: str) -> mt5.SymbolInfo:
        info = self._symbols[symbol]
        if symbol not in self._selected:
            return info
        rows = self._so_far(symbol)
        newest = mt5.Tick(*rows[-1].tolist()) if len(rows) else mt5.Tick()
        return info._replace(
            select=True,
            visible=True,
            time=newest.time,
            bid=newest.bid,
            ask=newest.ask,
            last=newest.last,
            spread=round((newest.ask - newest.bid) / info.point),
        )


_CONSTANTS: dict[str, int] = {name: value for name, value in vars(mt5).items() if name.isupper() and type(value) is int}
_TERMINAL_LOST = range(mt5.RES_E_INTERNAL_FAIL_TIMEOUT, mt5.RES_E_INTERNAL_FAIL + 1)


def _seconds(date: Any) -> int | None:
    """A time given as a number or a datetime, in s; None for anything else."""
    if isinstance(date, int | float):
        return int(date)
    stamp = getattr(date, "timestamp", None)
    return int(cast("float", stamp())) if callable(stamp) else None


def _of_kind(rows: Rows, flags: int) -> Rows:
    """The ticks that `flags` asks for."""
    wanted = {
        mt5.COPY_TICKS_INFO: mt5.TICK_FLAG_BID | mt5.TICK_FLAG_ASK,
        mt5.COPY_TICKS_TRADE: mt5.TICK_FLAG_LAST | mt5.TICK_FLAG_VOLUME,
    }
    chosen: Rows = rows if flags == mt5.COPY_TICKS_ALL else rows[rows["flags"] & wanted[flags] != 0]
    return chosen
