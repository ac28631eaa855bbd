import pytest

from papertape.data.wire.binance.event_time import OffsetEstimate, event_time_ns
from tests.binance_frames import TS, combined, depth, snapshot, ticker, trade

MS_NS = 1_000_000


@pytest.mark.parametrize(
    ("payload", "ms"),
    [
        (trade(7), 1007),
        (depth(1, 3), 1003),
        (ticker(5, E=77, T=76), 77),
        (ticker(5), 0),
        (combined("ethusdt@markPrice", {"e": "markPriceUpdate", "E": 5, "p": "1"}), 5),
        (b'{"e":"trade","E":9,"T":8}', 9),
        (b'{"lastUpdateId":1,"E":12,"T":11,"bids":[],"asks":[]}', 12),
        (snapshot(1), 0),
        (b'{"papertape":{"link":"down"}}', 0),
        (b'[{"id":1,"time":5}]', 0),
        (combined("!ticker@arr", [{"E": 5}]), 0),  # type: ignore[arg-type]
    ],
)
def test_a_text_says_when_it_was_sent(payload: bytes, ms: int) -> None:
    assert event_time_ns(payload) == ms * MS_NS


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"\xff", b"null", b'{"E":"5"}', b'{"E":-1}', b'{"E":1%s}' % (b"0" * 30)]
)
def test_what_cannot_be_read_says_nothing(payload: bytes) -> None:
    assert event_time_ns(payload) == 0


def test_the_first_offset_and_every_larger_one_are_told() -> None:
    estimate = OffsetEstimate()
    assert estimate.rise(TS, ticker(1)) is None
    assert estimate.rise(TS, trade(1)) == 1001 * MS_NS - TS, "behind is an offset too"
    assert estimate.rise(TS, trade(1)) is None
    assert estimate.rise(TS + 5 * MS_NS, trade(5)) is None
    assert estimate.rise(TS + 5 * MS_NS, trade(7)) == 1002 * MS_NS - TS
