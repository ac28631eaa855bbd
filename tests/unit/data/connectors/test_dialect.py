from papertape.data.connectors.dialect import Dialect, PlainDialect
from papertape.data.wire.binance.control import Control
from papertape.data.wire.binance.dialect import BinanceDialect
from papertape.data.wire.binance.rules import SPOT


def test_what_ships_fits_the_port() -> None:
    """mypy holds the signatures: this is only true when it agrees."""
    dialects: list[Dialect] = [PlainDialect(), BinanceDialect(SPOT, Control())]
    assert all(dialect.streams_max >= 1 for dialect in dialects)


def test_a_plain_server_is_asked_for_nothing() -> None:
    plain = PlainDialect()
    assert plain.paths("", []) == ([""], 0)
    assert plain.subscribe(["a"]) == plain.unsubscribe(["a"]) == []
