from papertape.data.wire.binance.value_routing import bare_value_taker, market_takers, value_takers
from tests.binance_frames import TS, machine


def test_names_and_event_types_have_their_taker() -> None:
    one = machine()
    values = one.feeds["ETHUSDT"].values
    assert {"kline_1s", "kline_1M", "markPrice@1s", "forceOrder", "ticker_4h", "miniTicker"} <= set(
        value_takers(values)
    )
    assert b"!markPrice@arr@1s" in market_takers({"ETHUSDT": values})
    assert bare_value_taker(values, "avgPrice") is None
    mini = bare_value_taker(values, "24hrMiniTicker")
    assert mini is not None
    mini(TS, b'{"e":"24hrMiniTicker","s":"ETHUSDT","o":"1","h":"2","l":"1","c":"2","v":"3","q":"4"}')
    assert one.gate.buffer.count == 6
