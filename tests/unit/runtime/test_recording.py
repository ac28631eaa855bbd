import asyncio
from pathlib import Path

from papertape.core.instruments import Instrument, InstrumentKind, instrument_event
from papertape.data.wire.binance.rules import SPOT, USDM, Rules
from papertape.runtime.recording import Source, listen, open_recording
from papertape.runtime.reel_out import ReelOut
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter

NOBODY = ("ws://127.0.0.1:9", "http://127.0.0.1:9")


def source(rules: Rules, *symbols: str) -> Source:
    return Source(rules, symbols, *NOBODY, 30)


def listed(tape: Path, *instruments: tuple[str, str]) -> None:
    with MarketWriter.open(tape) as writer:
        for number, (venue, symbol) in enumerate(instruments):
            one = Instrument(
                venue=venue,
                symbol=symbol,
                kind=InstrumentKind.CRYPTO_SPOT,
                base="B",
                quote="Q",
                settle="Q",
                price_scale=2,
                size_scale=2,
                tick=1,
                lot=1,
            )
            writer.append(instrument_event(one, number, 0))


async def numbers(tape: Path, rules: Rules, *symbols: str) -> dict[str, int]:
    async with open_recording(source(rules, *symbols), tape, None, lambda *_, **__: None) as recording:
        return {symbol: feed.index for symbol, feed in recording.machine.feeds.items()}


async def test_symbols_keep_the_numbers_they_have_on_the_tape_and_new_ones_follow(tmp_path: Path) -> None:
    assert await numbers(tmp_path / "new", SPOT, "A", "B") == {"A": 0, "B": 1}
    listed(tmp_path / "old", ("binance-spot", "B"), ("binance-usdm", "A"), ("binance-spot", "C"))
    assert await numbers(tmp_path / "old", SPOT, "A", "B", "C", "D") == {"A": 3, "B": 0, "C": 2, "D": 4}
    assert await numbers(tmp_path / "old", USDM, "B", "A") == {"B": 3, "A": 1}


async def test_it_listens_until_the_time_is_up_and_leaves_a_whole_tape(tmp_path: Path) -> None:
    notes: list[str] = []
    reel = ReelOut(tmp_path / "reels")
    async with open_recording(
        source(SPOT, "A"), tmp_path / "tape", reel, lambda event, **_: notes.append(event)
    ) as recording:
        assert await listen(recording, 0.5) is False
        assert not recording.session.connected
    assert "no listing" in notes
    assert MarketReader.open(tmp_path / "tape").next_seq == 0
    assert not (tmp_path / "reels").exists(), "nothing came, so there is no reel"


async def test_it_ends_early_when_what_it_is_told_to_wait_for_is_done(tmp_path: Path) -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    async with open_recording(source(SPOT, "A"), tmp_path / "tape", None, lambda *_, **__: None) as recording:
        async with asyncio.timeout(20):
            assert await listen(recording, None, [done]) is False
