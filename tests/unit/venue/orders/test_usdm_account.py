"""What USD-M tells of an account: its sums add up."""

from papertape.venue.matching import BUY
from papertape.venue.orders.order import amount_text
from papertape.venue.orders.usdm_account import account_row, balance_rows, position_rows
from tests.unit.venue.orders.test_usdm_clearing import LOTS, Stage


def test_account_balance_and_positions_agree() -> None:
    stage = Stage()
    stage.order(BUY, 0, LOTS)
    stage.order(BUY, 200_000, LOTS)
    opened = stage.desk.open_orders(stage.account)
    row = account_row(stage.clearing, stage.account, opened)
    asset = row["assets"][0]
    assert row["totalWalletBalance"] == asset["walletBalance"] == amount_text(stage.account.balance("USDT").free)
    for total, name in (
        ("totalInitialMargin", "initialMargin"),
        ("totalUnrealizedProfit", "unrealizedProfit"),
        ("totalMarginBalance", "marginBalance"),
        ("availableBalance", "availableBalance"),
        ("totalOpenOrderInitialMargin", "openOrderInitialMargin"),
    ):
        assert row[total] == asset[name], total
    (position,) = position_rows(stage.clearing, stage.account, opened, None)
    assert (position["positionAmt"], position["symbol"]) == ("1.0000", "ETHUSDT")
    assert position["unRealizedProfit"] == row["positions"][0]["unrealizedProfit"]
    assert position_rows(stage.clearing, stage.account, opened, "BTCUSDT") == []
    assert balance_rows(stage.clearing, stage.account, opened)[0]["availableBalance"] == asset["availableBalance"]
