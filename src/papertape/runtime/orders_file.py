"""The CSV files of orders without code: what is to be sent, and what became of it. `docs/reference/orders.md` has the columns."""

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from papertape.core.errors import InputError, StoreError
from papertape.core.fixed import MANTISSA_MAX
from papertape.paper_trading.engine.order_player import OrderResult, PlannedPrice
from papertape.paper_trading.engine.rows import OrderType, Side, TimeInForce

NEEDED_COLUMNS = ("ts_ns", "account", "side", "type", "price", "size")
COLUMNS = (*NEEDED_COLUMNS, "tif", "cancel_ts_ns", "symbol")
FILLS_COLUMNS = ("row", *OrderResult._fields)
ACCOUNT_CHARACTERS_MAX = 64
_WHOLE = re.compile(r"[0-9]{1,19}")
_DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
_ANCHORED = re.compile(r"(bid|ask)(?:([+-][0-9]{1,9})t)?")


class OrderRow(NamedTuple):
    """One order as the file says it; `symbol` is empty when the file leaves it out."""

    line: int
    ts_ns: int
    account: str
    side: Side
    type: OrderType
    price: PlannedPrice | None
    size: str
    tif: TimeInForce
    cancel_ns: int | None
    symbol: str


class _Cells:
    """One line, read column by column; what is wrong is told with file, line and column."""

    def __init__(self, file: str, line: int, cells: dict[str, str]) -> None:
        self._file, self.line, self._cells = file, line, cells

    def text(self, column: str) -> str:
        return self._cells.get(column, "")

    def fail(self, column: str, expected: str) -> NoReturn:
        raise InputError(f"{self._file}, line {self.line}, {column}: expected {expected}, was {self.text(column)!r}")

    def time_ns(self, column: str) -> int:
        text = self.text(column)
        if not _WHOLE.fullmatch(text) or int(text) > MANTISSA_MAX:
            self.fail(column, "a time in nanoseconds since 1970, such as 1767225601000000000")
        return int(text)

    def choice(self, column: str, choices: type[IntEnum]) -> Any:
        names = {one.name.lower(): one for one in choices}
        if self.text(column) not in names:
            self.fail(column, f"one of {', '.join(names)}")
        return names[self.text(column)]

    def account(self) -> str:
        text = self.text("account")
        if not text.isprintable() or not 0 < len(text) <= ACCOUNT_CHARACTERS_MAX:
            self.fail("account", f"a name of 1 to {ACCOUNT_CHARACTERS_MAX} printable characters")
        return text

    def size(self) -> str:
        text = self.text("size")
        if not _DECIMAL.fullmatch(text) or not text.strip("0."):
            self.fail("size", "a decimal number above 0, such as 0.5")
        return text

    def price(self, kind: OrderType) -> PlannedPrice | None:
        text = self.text("price")
        if kind is OrderType.MARKET:
            return None if not text else self.fail("price", "nothing for a market order")
        if _DECIMAL.fullmatch(text) and text.strip("0."):
            return PlannedPrice("", text, 0)
        found = _ANCHORED.fullmatch(text)
        if found is None:
            self.fail(
                "price", "a decimal number above 0, or a best price such as bid, ask, bid-2t or ask+1t (t: ticks)"
            )
        return PlannedPrice(found[1], "", int(found[2] or 0))

    def tif(self, kind: OrderType) -> TimeInForce:
        tif: TimeInForce = self.choice("tif", TimeInForce) if self.text("tif") else TimeInForce.GTC
        if kind is not OrderType.LIMIT and tif in (TimeInForce.FOK, TimeInForce.POST_ONLY):
            self.fail("tif", f"gtc, ioc or nothing for a {kind.name.lower()} order")
        return tif

    def cancel_ns(self, ts_ns: int) -> int | None:
        if not self.text("cancel_ts_ns"):
            return None
        cancel_ns = self.time_ns("cancel_ts_ns")
        return cancel_ns if cancel_ns > ts_ns else self.fail("cancel_ts_ns", f"a time after ts_ns {ts_ns}")


def read_orders(name: str) -> list[OrderRow]:
    """The orders of a file. Raises InputError naming file, line and column at the first thing that is wrong."""
    try:
        with Path(name).open(encoding="utf-8-sig", newline="") as file:
            return _read(name, csv.reader(file, strict=True))
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{name} is no CSV file in UTF-8: {error}") from error


def _read(name: str, lines: Any) -> list[OrderRow]:
    header = [cell.strip() for cell in next(lines, [])]
    for column in header:
        if column not in COLUMNS or header.count(column) > 1:
            raise InputError(f"{name}, line 1: expected each of the columns {', '.join(COLUMNS)} once, was {column!r}")
    for column in NEEDED_COLUMNS:
        if column not in header:
            raise InputError(f"{name}, line 1: expected a column {column}, was {', '.join(header) or 'nothing'}")
    rows = []
    for cells in lines:
        if not cells:
            continue
        if len(cells) != len(header):
            raise InputError(f"{name}, line {lines.line_num}: expected {len(header)} cells, was {len(cells)}")
        named = zip(header, (cell.strip() for cell in cells), strict=True)
        rows.append(_row(_Cells(name, lines.line_num, dict(named))))
    if not rows:
        raise InputError(f"{name}: expected at least one order below the header, was none")
    return rows


def _row(cells: _Cells) -> OrderRow:
    ts_ns, kind = cells.time_ns("ts_ns"), cells.choice("type", OrderType)
    return OrderRow(
        line=cells.line,
        ts_ns=ts_ns,
        account=cells.account(),
        side=cells.choice("side", Side),
        type=kind,
        price=cells.price(kind),
        size=cells.size(),
        tif=cells.tif(kind),
        cancel_ns=cells.cancel_ns(ts_ns),
        symbol=cells.text("symbol"),
    )


def with_symbols(name: str, rows: Sequence[OrderRow], symbols: Sequence[str]) -> list[OrderRow]:
    """The orders, each with its symbol. Raises InputError when that is left open, or not one of `symbols`."""
    known = ", ".join(symbols) or "none"
    named = []
    for row in rows:
        if not row.symbol and len(symbols) != 1:
            raise InputError(
                f"{name}, line {row.line}, symbol: expected one of the market's symbols {known}, was nothing"
            )
        symbol = row.symbol or symbols[0]
        if symbol not in symbols:
            raise InputError(f"{name}, line {row.line}, symbol: expected one of {known}, was {symbol!r}")
        named.append(row._replace(symbol=symbol))
    return named


def write_fills(name: str, results: Iterable[OrderResult]) -> None:
    """One line for each order, in the order in which they were given. Raises StoreError."""

    def write(file: Any) -> None:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FILLS_COLUMNS)
        writer.writerows((number, *result) for number, result in enumerate(results, 1))

    _written(name, "w", write)


def check_writable(name: str) -> None:
    """Find out before a long replay that the file cannot be written; leaves what stands in it. Raises StoreError."""
    _written(name, "a", lambda _: None)


def _written(name: str, mode: str, write: Callable[[Any], None]) -> None:
    try:
        with Path(name).open(mode, encoding="utf-8", newline="") as file:
            write(file)
    except OSError as error:
        raise StoreError(f"{name} cannot be written: {error.strerror or error}") from error
