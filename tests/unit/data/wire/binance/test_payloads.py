"""Payload structs: the venue's own samples, unknown keys, and the bounds that keep 64 bits whole."""

import pytest

from papertape.core.errors import DecodeError
from papertape.data.wire.binance import payloads
from papertape.data.wire.binance.payloads import readable


def test_a_usdm_depth_update_of_2026_with_keys_nobody_asked_for() -> None:
    event = payloads.decode_depth_update(
        b'{"e":"depthUpdate","E":3,"T":2,"s":"BTCUSDT","U":10,"u":20,"pu":9,"b":[["1","2"]],"a":[],"ps":"BTCUSDT","st":1}'
    )
    assert (event.U, event.u, event.pu, event.T, event.E) == (10, 20, 9, 2, 3)
    assert bytes(event.b) == b'[["1","2"]]'


@pytest.mark.parametrize("body", [b'{"symbols":[]}', b'{"symbols":[{"symbol":"A"}],"serverTime":1}'])
def test_the_envelope_tells_an_exchange_info_whatever_it_holds(body: bytes) -> None:
    envelope = payloads.decode_envelope(body)
    assert envelope.symbols
    assert bool(envelope.serverTime) is (b"serverTime" in body)
    assert not payloads.decode_envelope(b"{}").symbols


@pytest.mark.parametrize(
    ("value", "fits"), [(-1, True), (1 << 62, True), ((1 << 62) + 1, False), (-2, False), (1 << 64, False)]
)
def test_ids_fit_in_a_record(*, value: int, fits: bool) -> None:
    text = b'{"u":%d,"b":"1","B":"1","a":"1","A":"1"}' % value
    if fits:
        assert payloads.decode_book_ticker(text).u == value
    else:
        with pytest.raises(DecodeError, match="a ticker"):
            readable(payloads.decode_book_ticker, text, "a ticker")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a":' + b"[" * 50_000, b'{"a":1}'])
def test_what_cannot_be_read_says_what_was_expected_and_shows_its_start(body: bytes) -> None:
    with pytest.raises(DecodeError, match="expected a snapshot, was b"):
        readable(payloads.decode_snapshot, body, "a snapshot")
