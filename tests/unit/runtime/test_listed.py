from pathlib import Path

from papertape.core.instruments import Instrument, InstrumentKind, instrument_event
from papertape.runtime.listed import listed_instruments
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter


def instrument(symbol: str, epoch: int = 0, price_scale: int = 2) -> Instrument:
    return Instrument(
        venue="binance-spot",
        symbol=symbol,
        kind=InstrumentKind.CRYPTO_SPOT,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        settle="USDT",
        price_scale=price_scale,
        size_scale=4,
        tick=1,
        lot=1,
        epoch=epoch,
    )


def test_the_latest_epoch_of_every_instrument_by_number(tmp_path: Path) -> None:
    told = [(0, instrument("A" * 100 + "USDT")), (1, instrument("BUSDT")), (0, instrument("A" * 100 + "USDT", 1, 5))]
    with MarketWriter.open(tmp_path, segment_bytes=4096) as writer:
        for number, one in told:
            writer.append(instrument_event(one, number, 1_000))
        writer.append(instrument_event(told[1][1], 1, 2_000) + instrument_event(told[2][1], 0, 2_000))
    assert listed_instruments(MarketReader.open(tmp_path)) == {0: told[2][1], 1: told[1][1]}


def test_an_empty_tape_lists_none(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path):
        pass
    assert listed_instruments(MarketReader.open(tmp_path)) == {}
