"""The instruments that a tape has listed."""

from pathlib import Path

from tests.binance_frames import TS, instrument, machine, trade

from papertape.core.instruments import instrument_event
from papertape.runtime.listed import listed_instruments
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter


def test_the_latest_epoch_of_every_instrument(tmp_path: Path) -> None:
    first, second = instrument(), instrument("BTCUSDT")
    one = machine()
    one.take(TS, trade(1))
    with MarketWriter.open(tmp_path) as writer:
        writer.append(instrument_event(first, 0, TS))
        writer.append(instrument_event(second, 7, TS))
        writer.append(one.gate.buffer.take())
        writer.append(instrument_event(first.with_scales(4, 4), 0, TS))
    assert listed_instruments(MarketReader.open(tmp_path)) == {0: first.with_scales(4, 4), 7: second}


def test_an_empty_tape_has_listed_nothing(tmp_path: Path) -> None:
    MarketWriter.open(tmp_path).close()
    assert listed_instruments(MarketReader.open(tmp_path)) == {}
