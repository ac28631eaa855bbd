import msgspec
import pytest

from papertape.data.wire.binance.value_payloads import decode_kline, decode_rest_klines, decode_ticker


def test_unknown_keys_are_ignored_and_what_a_form_needs_must_be_there() -> None:
    ticker = decode_ticker(b'{"o":"1","h":"2","l":"1","c":"2","v":"3","q":"4","new":[{}],"ps":"X"}')
    assert (ticker.n, ticker.C, ticker.b, ticker.st) == (-1, 0, "", 1)
    with pytest.raises(msgspec.ValidationError):
        decode_kline(b'{"e":"kline","k":{"t":1}}')


def test_a_row_of_klines_has_twelve_fields() -> None:
    row = b'[1,"1","2","0.5","1.5","9",59,"10",3,"4","5","0"]'
    assert decode_rest_klines(b"[%b]" % row)[0][8] == 3
    with pytest.raises(msgspec.ValidationError):
        decode_rest_klines(b"[[1,2]]")
