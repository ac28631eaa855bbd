"""Reading orders and writing what became of them; bad lines are in `tests/integration/test_replay_orders.py`."""

from pathlib import Path

import pytest

from papertape.core.errors import InputError, StoreError
from papertape.paper_trading.engine.order_player import OrderResult, PlannedPrice
from papertape.paper_trading.engine.rows import OrderType, Side, TimeInForce
from papertape.runtime.orders_file import check_writable, read_orders, with_symbols, write_fills


def test_columns_may_stand_in_any_order_and_cells_have_blanks(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(
        "\ufeffsize,price, type,side,account,ts_ns,symbol\n\n0.5, bid-2t ,limit,buy,me,7,AUSDT\n1,,market,sell,me,3,\n",
        encoding="utf-8",
    )
    first, second = read_orders(str(file))
    assert first == (
        3,
        7,
        "me",
        Side.BUY,
        OrderType.LIMIT,
        PlannedPrice("bid", "", -2),
        "0.5",
        TimeInForce.GTC,
        None,
        "AUSDT",
    )
    assert (second.ts_ns, second.type, second.price, second.side, second.symbol) == (
        3,
        OrderType.MARKET,
        None,
        Side.SELL,
        "",
    )


def test_a_symbol_may_be_left_out_where_there_is_one(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("ts_ns,account,side,type,price,size\n1,a,buy,stop,ask+1t,2\n", encoding="utf-8")
    rows = read_orders(str(file))
    assert with_symbols("orders.csv", rows, ["AUSDT"])[0].symbol == "AUSDT"
    with pytest.raises(
        InputError, match="orders.csv, line 2, symbol: expected one of the market's symbols AUSDT, BUSDT"
    ):
        with_symbols("orders.csv", rows, ["AUSDT", "BUSDT"])


def test_results_are_numbered_from_one(tmp_path: Path) -> None:
    file = tmp_path / "fills.csv"
    write_fills(
        str(file), [OrderResult("filled", "0.5", "10.25", 7, ""), OrderResult("rejected", "0", "", 9, "not_sent")]
    )
    assert file.read_bytes() == (
        b"row,status,exec_qty,exec_price,ts_ns,reason\n1,filled,0.5,10.25,7,\n2,rejected,0,,9,not_sent\n"
    )


def test_a_file_that_cannot_be_written_is_found_out_and_one_that_can_be_is_left(tmp_path: Path) -> None:
    file = tmp_path / "fills.csv"
    file.write_text("old")
    check_writable(str(file))
    assert file.read_text() == "old"
    with pytest.raises(StoreError, match="cannot be written"):
        check_writable(str(tmp_path))
