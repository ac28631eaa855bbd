import asyncio

from papertape.core.records import GapCause, Kind, as_records
from papertape.data.connectors.stream_intake import StreamIntake
from tests.binance_frames import depth, machine, snapshot, ticker, trade
from tests.rest_doubles import Notes, rows


async def test_everything_that_arrives_is_handed_on_in_order() -> None:
    got: list[bytes] = []
    one, notes = machine(), Notes()
    intake = StreamIntake(one, lambda: 1_000, got.append, notes)
    intake.link_up(0)
    intake.frame(ticker(1), is_last=False)
    intake.frame(trade(1), is_last=True)
    assert len(got) == 2, "a block per read"
    intake.frame(ticker(2), is_last=False)
    await asyncio.sleep(0)
    assert len(got) == 3, "a read may end without a last frame"
    intake.frame(depth(5, 6), is_last=True)
    intake.snapshot("ETHUSDT", snapshot(5))
    intake.trades_until("ETHUSDT", 2)
    intake.trades("ETHUSDT", rows(2).body)
    intake.frame(b"no JSON", is_last=True)
    intake.clock_offset(7, 9)
    intake.link_down(0, ["ETHUSDT"])
    records = as_records(b"".join(got))
    order = [kind for at, kind in enumerate(records["kind"]) if at == 0 or kind != records["kind"][at - 1]]
    assert order == [
        Kind.CONNECTION,
        Kind.QUOTE,
        Kind.PRINT,
        Kind.QUOTE,
        Kind.DEPTH_DELTA,
        Kind.DEPTH_SNAPSHOT,
        Kind.DEPTH_DELTA,
        Kind.GAP,
        Kind.PRINT,
        Kind.GAP,
        Kind.CLOCK_OFFSET,
        Kind.GAP,
        Kind.CONNECTION,
    ]
    gaps = records[records["kind"] == Kind.GAP]
    assert gaps["price"].tolist() == [GapCause.IDS_MISSING, GapCause.UNREADABLE_FRAME, GapCause.CONNECTION_LOST]
    assert notes.texts == ["frame cannot be read"]
