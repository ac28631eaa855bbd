import pytest

from papertape.core.errors import InputError
from papertape.data.wire.binance.routing import stream_takers
from papertape.data.wire.binance.rules import SPOT, USDM, Rules
from papertape.data.wire.binance.stream_names import stream_names, with_streams
from tests.binance_frames import machine


@pytest.mark.parametrize("rules", [SPOT, USDM])
def test_every_stream_that_can_be_asked_for_is_taken(rules: Rules) -> None:
    takers = stream_takers(machine(rules=rules).feeds["ETHUSDT"])
    assert {f"ethusdt@{name}".encode() for name in stream_names(rules)} <= set(takers)


def test_usdm_streams_go_to_the_path_that_carries_them() -> None:
    asked = ("trade", "bookTicker", "depth@100ms", "kline_1m", "markPrice@1s", "forceOrder", "depth5", "trade")
    assert with_streams(USDM, asked).routes == (
        ("/public", ("bookTicker", "depth@100ms", "depth5")),
        ("/market", ("trade", "kline_1m", "markPrice@1s", "forceOrder")),
    )
    assert with_streams(USDM, ("kline_1M",)).routes == (("/market", ("kline_1M",)),)
    assert with_streams(SPOT, ("kline_1s", "trade")).routes == (("", ("kline_1s", "trade")),)


@pytest.mark.parametrize(("rules", "name"), [(SPOT, "markPrice"), (USDM, "kline_1s"), (SPOT, "kline_2m"), (USDM, "")])
def test_a_stream_that_the_market_lacks_is_named(rules: Rules, name: str) -> None:
    with pytest.raises(InputError, match=f"--streams.*{rules.venue}.*'{name}'"):
        with_streams(rules, ("trade", name))
