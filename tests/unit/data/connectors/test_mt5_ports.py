import msgspec
import pytest

from papertape.data.connectors.mt5_ports import HistoryLost, TerminalFacts


def test_facts_travel_as_json() -> None:
    facts = TerminalFacts(
        build=5200,
        connected=True,
        ping_us=20_000,
        company="Broker",
        server="Broker-Demo",
        currency="USD",
        leverage=500,
        hedging=True,
        stop_out_percent=None,
    )
    assert msgspec.json.decode(msgspec.json.encode(facts), type=TerminalFacts) == facts
    with pytest.raises(AttributeError):
        facts.leverage = 1  # type: ignore[misc]


def test_lost_history_names_its_symbol() -> None:
    assert HistoryLost("GBPUSD", 5) == ("GBPUSD", 5)
