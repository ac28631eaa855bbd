import pytest

from papertape.core.errors import InputError
from papertape.data.wire.binance.rules import USDM
from papertape.runtime.config import Crypto
from papertape.runtime.live_source import source_of

CONFIG = Crypto(symbols=("ABCUSDT",), websocket_timeout_s=7)


def test_the_venues_own_servers_and_the_configurations_symbols() -> None:
    source = source_of("binance-usdm", [], [], None, CONFIG)
    assert (source.symbols, source.ws_urls[0], source.rest_url, source.silence_s) == (
        ("ABCUSDT",),
        USDM.ws_url,
        USDM.rest_url,
        7,
    )


def test_symbols_are_trimmed_and_named_once() -> None:
    assert source_of("binance-spot", [" btcusdt", "BTCUSDT"], [], None, CONFIG).symbols == ("BTCUSDT",)
    with pytest.raises(InputError, match="--symbols"):
        source_of("binance-spot", ["BTCUSDT", " "], [], None, CONFIG)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ws://", "ws://x:0", "ws://x:99999", "127.0.0.1:80"])
def test_what_is_no_websocket_url_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="--ws-url: expected a base URL"):
        source_of("binance-spot", [], [url], None, CONFIG)


def test_streams_are_those_that_are_named_or_the_usual_ones() -> None:
    assert source_of("binance-usdm", [], [], None, CONFIG).rules is USDM
    source = source_of("binance-usdm", [], [], None, CONFIG, streams=["kline_1m", " depth5"])
    assert source.rules.routes == (("/public", ("depth5",)), ("/market", ("kline_1m",)))
