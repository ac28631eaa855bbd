from papertape.data.symbols import SymbolInfo
from tests.made_source import fx


def test_what_a_venue_does_not_say_keeps_its_default() -> None:
    info = SymbolInfo(instrument=fx("EURUSD"))
    assert (info.trade_mode, info.execution, info.fillings, info.spread) == ("full", "market", (), 0)
