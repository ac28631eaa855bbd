from datetime import UTC, datetime

import numpy as np
import pytest

from papertape.venue import mt5_types as mt5
from tests.mt5_world import BEGIN_MSC, double, pass_ms, ticks

BEGIN_S = BEGIN_MSC // 1000
ALL = mt5.COPY_TICKS_ALL


def terminal(*offsets_ms: int, **more):
    api, clock = double(ticks(*offsets_ms), **{"selected": ("GBPUSD",)} | more)
    assert api.initialize()
    return api, clock


def test_nothing_answers_before_it_is_initialised() -> None:
    api, _ = double(ticks(0))
    assert api.symbols_total() is None
    assert api.last_error() == (-10004, "No IPC connection")
    assert api.initialize() and api.last_error() == (1, "Success")
    assert api.symbols_total() == 1
    api.shutdown()
    assert api.account_info() is None


def test_ticks_come_to_be_as_the_clock_reaches_them() -> None:
    api, clock = terminal(0, 10, 20)
    assert len(api.copy_ticks_from("GBPUSD", BEGIN_S, 100, ALL)) == 1
    pass_ms(clock, 10)
    assert api.copy_ticks_from("GBPUSD", BEGIN_S, 100, ALL).tobytes() == ticks(0, 10).tobytes()
    assert api.symbol_info_tick("GBPUSD").time_msc == BEGIN_MSC + 10
    assert api.symbol_info("GBPUSD").bid == ticks(0, 10)["bid"][-1]


def test_the_brokers_clock_is_ahead_by_its_offset() -> None:
    api, _ = terminal(0, 10, offset=lambda _: -1)
    assert len(api.copy_ticks_from("GBPUSD", 0, 100, ALL)) == 0
    assert api.symbol_info_tick("GBPUSD").time_msc == 0


def test_ticks_are_read_forward_from_a_second() -> None:
    api, clock = terminal(0, 999, 1000, 1001, 5000)
    pass_ms(clock, 9000)
    copy = api.copy_ticks_from
    assert (copy("GBPUSD", BEGIN_S + 1, 2, ALL)["time_msc"] - BEGIN_MSC).tolist() == [1000, 1001]
    assert len(copy("GBPUSD", datetime.fromtimestamp(BEGIN_S + 5, UTC), 9, ALL)) == 1
    assert len(copy("GBPUSD", BEGIN_MSC, 9, ALL)) == 0  # ms instead of s: empty, and no error
    assert api.last_error()[0] == 1
    assert len(api.copy_ticks_range("GBPUSD", BEGIN_S, BEGIN_S + 1, ALL)) == 3


def test_kinds_of_ticks() -> None:
    rows = ticks(0, 0, 0)
    rows["flags"] = [2, 8 | 16, 4]
    api, _ = double(rows, selected=("GBPUSD",))
    api.initialize()
    counts = [len(api.copy_ticks_from("GBPUSD", 0, 9, flags)) for flags in (ALL, 1, 2)]
    assert counts == [3, 2, 1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("NONE", 0, 9, ALL), -4),
        ((5, 0, 9, ALL), -2),
        (("GBPUSD", "yesterday", 9, ALL), -2),
        (("GBPUSD", 0, 0, ALL), -2),
        (("GBPUSD", 0, 9, 77), -2),
    ],
)
def test_wrong_arguments_give_none_and_a_code(arguments: tuple[object, ...], code: int) -> None:
    api, _ = terminal(0)
    assert api.copy_ticks_from(*arguments) is None
    assert api.last_error()[0] == code


def test_a_symbol_must_be_selected() -> None:
    api, _ = terminal(0, selected=())
    assert api.symbol_info("GBPUSD").bid == 0
    for call in (api.symbol_info_tick, lambda name: api.copy_ticks_from(name, 0, 9, ALL)):
        assert call("GBPUSD") is None
        assert api.last_error()[0] == -1
    assert api.symbol_select("GBPUSD") and api.symbol_info_tick("GBPUSD") is not None
    assert api.symbol_select("GBPUSD", False) and api.symbol_info_tick("GBPUSD") is None
    assert not api.symbol_select("NONE")


def test_groups_of_symbols() -> None:
    api, _ = double({name: ticks(0) for name in ("EURUSD", "GBPUSD", "USDJPY")})
    api.initialize()
    names = lambda group: [one.name for one in api.symbols_get(group)]  # noqa: E731
    assert names("*") == ["EURUSD", "GBPUSD", "USDJPY"]
    assert names("*USD*,!*EUR*") == ["GBPUSD", "USDJPY"]
    assert names("X*") == []


def test_bars() -> None:
    api, clock = terminal(0, 60_000, 120_000)
    pass_ms(clock, 120_000)
    first = BEGIN_S - BEGIN_S % 60
    assert api.copy_rates_from("GBPUSD", 1, first + 60, 2)["time"].tolist() == [first, first + 60]
    assert api.copy_rates_from_pos("GBPUSD", 1, 0, 1)["time"].tolist() == [first + 120]
    assert api.copy_rates_from_pos("GBPUSD", 1, 1, 5)["time"].tolist() == [first, first + 60]
    assert len(api.copy_rates_range("GBPUSD", 1, first, first + 60)) == 2
    assert api.copy_rates_from("GBPUSD", 7, first, 2) is None and api.last_error()[0] == -2


@pytest.mark.parametrize("code", sorted(mt5.ERROR_TEXTS.keys() - {1}))
def test_every_code_on_command(code: int) -> None:
    api, _ = terminal(0)
    api.faults.fail(code)
    assert api.terminal_info() is None
    assert api.last_error() == (code, mt5.ERROR_TEXTS[code])
    lost = code <= -10000
    assert (api.terminal_info() is None) is lost  # a connection that broke must be made again
    assert api.initialize() and api.terminal_info() is not None


def test_a_terminal_that_is_closed() -> None:
    api, _ = terminal(0)
    api.faults.disconnect()
    assert not api.initialize() and api.last_error()[0] == -10004
    api.faults.reconnect()
    assert api.symbols_total() is None
    assert api.initialize() and api.symbols_total() == 1


def test_history_that_loads() -> None:
    api, clock = terminal(0, 1, 2, 3)
    pass_ms(clock, 3)
    api.faults.load_history("GBPUSD", rows=2, calls=1)
    assert api.copy_ticks_from("GBPUSD", 0, 9, ALL).tobytes() == ticks(0, 1, 2, 3)[2:].tobytes()
    assert len(api.copy_ticks_from("GBPUSD", 0, 9, ALL)) == 4


def test_a_broker_that_is_lost_brings_nothing_new() -> None:
    api, clock = terminal(0, 10)
    api.faults.broker_lost = True
    assert not api.terminal_info().connected
    pass_ms(clock, 20)
    assert len(api.copy_ticks_from("GBPUSD", 0, 9, ALL)) == 1
    api.faults.broker_lost = False
    assert len(api.copy_ticks_from("GBPUSD", 0, 9, ALL)) == 2


def test_no_order_is_ever_carried_out() -> None:
    api, _ = terminal(0)
    request = {"action": 1, "symbol": "GBPUSD", "volume": 1.0}
    assert api.order_send(request).retcode == mt5.TRADE_RETCODE_TRADE_DISABLED
    assert api.order_check(request) is None and api.last_error()[0] == -8
    assert (api.orders_total(), api.positions_total(), api.history_orders_total(), api.history_deals_total()) == (
        0,
    ) * 4
    assert (api.orders_get(), api.positions_get(), api.history_orders_get(), api.history_deals_get()) == ((),) * 4


def test_margin_and_profit_of_a_pair() -> None:
    api, _ = terminal(0)
    assert np.isclose(api.order_calc_margin(0, "GBPUSD", 1.0, 1.335), 267.0)
    assert np.isclose(api.order_calc_profit(0, "GBPUSD", 0.1, 1.335, 1.336), 10.0)
    assert np.isclose(api.order_calc_profit(1, "GBPUSD", 0.1, 1.335, 1.336), -10.0)


def test_there_is_no_depth_of_market() -> None:
    api, _ = terminal(0)
    assert not api.market_book_add("GBPUSD") and api.market_book_get("GBPUSD") is None
    assert not api.market_book_release("GBPUSD") and api.last_error()[0] == -7


def test_what_is_handed_out_is_the_callers() -> None:
    api, _ = terminal(0)
    api.copy_ticks_from("GBPUSD", 0, 9, ALL)["bid"] = 0
    assert api.copy_ticks_from("GBPUSD", 0, 9, ALL).tobytes() == ticks(0).tobytes()


def test_it_has_the_packages_constants() -> None:
    api, _ = terminal(0)
    assert (api.COPY_TICKS_ALL, api.TIMEFRAME_M1, api.TIMEFRAME_H4, api.RES_S_OK) == (-1, 1, 16388, 1)
    with pytest.raises(AttributeError, match="NO_SUCH"):
        _ = api.NO_SUCH
