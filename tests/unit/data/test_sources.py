from papertape.data.connectors.binance_source import BinanceSource
from papertape.data.connectors.ccxt_connector import CcxtSource
from papertape.data.sources import Source, SourceHealth
from tests.made_source import MadeSource, fx


def test_the_sources_have_every_method_of_the_port() -> None:
    names = [name for name in vars(Source) if not name.startswith("_")]
    assert names == ["venue", "catalogue", "subscribe", "unsubscribe", "resync", "health", "run"]
    for kind in (BinanceSource, CcxtSource, MadeSource):
        assert [name for name in names if name != "venue" and not callable(getattr(kind, name, None))] == []


def test_health_says_nothing_of_trouble_unless_there_was_some() -> None:
    assert SourceHealth(True, 5, 1, 0).trouble == ""
    assert MadeSource("mt5", [fx("EURUSD")]).health().connected is False
