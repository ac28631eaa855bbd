"""Two instruments in two currencies on one tape; the rest is in `tests/integration/test_replay_orders.py`."""

import csv
from pathlib import Path

import msgspec
import pytest

from papertape.core.actions import Replay
from papertape.core.errors import InputError
from papertape.core.instruments import Instrument, InstrumentKind, instrument_event
from papertape.core.records import WHOLE, Kind, RecordBuffer
from papertape.runtime.replay_orders import run
from papertape.runtime.shell import Shell
from papertape.tape.market_writer import MarketWriter

SECOND = 1_000_000_000
AUSDT = Instrument(
    venue="binance-spot",
    symbol="AUSDT",
    kind=InstrumentKind.CRYPTO_SPOT,
    base="A",
    quote="USDT",
    settle="USDT",
    price_scale=2,
    size_scale=1,
    tick=1,
    lot=1,
)
AEUR = msgspec.structs.replace(AUSDT, symbol="AEUR", quote="EUR", settle="EUR")


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    buffer = RecordBuffer()
    for second in range(1, 11):
        for instrument in (0, 1):
            stamp = second * SECOND
            buffer.pack(stamp, stamp, Kind.QUOTE, WHOLE, instrument, 0, 1000 + instrument, 50, 1010, 50, second)
    with MarketWriter.open(tmp_path / "tape") as writer:
        writer.append(instrument_event(AUSDT, 0, 1) + instrument_event(AEUR, 1, 1) + buffer.take())
    return tmp_path / "tape"


def replayed(tape: Path, *lines: str) -> list[dict[str, str]]:
    orders, fills = tape.parent / "orders.csv", tape.parent / "fills.csv"
    orders.write_text("\n".join(["ts_ns,account,side,type,price,size,symbol", *lines]), encoding="utf-8")
    request = Replay(tape=str(tape), orders=str(orders), fills=str(fills), models="frictionless")
    run(request, Shell())
    with fills.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_an_account_holds_the_currency_of_its_first_order(tape: Path) -> None:
    rows = replayed(
        tape,
        f"{2 * SECOND},euros,buy,limit,ask,1,AEUR",
        f"{3 * SECOND},dollars,buy,limit,ask,1,AUSDT",
        f"{4 * SECOND},dollars,buy,limit,ask,1,AEUR",
    )
    assert [(row["status"], row["reason"]) for row in rows] == [
        ("filled", ""),
        ("filled", ""),
        ("rejected", "other_currency"),
    ]


def test_the_symbol_is_needed_where_there_are_two(tape: Path) -> None:
    with pytest.raises(
        InputError, match="line 2, symbol: expected one of the market's symbols AUSDT, AEUR, was nothing"
    ):
        replayed(tape, "1,a,buy,limit,10,1,")
