"""Positions, margin and reduce-only orders in a market at rest."""

from typing import Any

import pytest

from papertape.venue.matching import BUY, SELL
from papertape.venue.orders.account import UNIT, Account, Key
from papertape.venue.orders.desk import OrderDesk
from papertape.venue.orders.request import NewOrder
from papertape.venue.orders.usdm_clearing import UsdmClearing, available
from papertape.venue.parameters import RestError
from papertape.venue.rules import USDM
from papertape.venue.synthetic.market import SyntheticMarket

MS = 1_767_225_600_000
LOTS = 10_000
"""One ETH."""


class Stage:
    """A market that stands still, and one account with 10,000 USDT; the mark price is the opening's."""

    def __init__(self) -> None:
        self.market = SyntheticMarket(5, ("ETHUSDT",), "binance-usdm")
        self.reports: list[dict[str, Any]] = []
        self.clearing = UsdmClearing(USDM, {one.symbol: one for one in self.market.listings}, lambda symbol: None)
        keys = (Key("k", "s", {"USDT": 10_000}),)
        self.desk = OrderDesk(self.market, self.clearing, keys, lambda events: None, self._report)
        self.account = self.desk.accounts["k"]
        self.book = self.market.books["ETHUSDT"]

    def _report(self, account: Account, event: dict[str, Any]) -> None:
        self.reports.append(event)

    def order(self, side: int, price: int, lots: int, tif: str = "GTC", *, reduce: bool = False) -> Any:
        kind = "LIMIT" if price else "MARKET"
        asked = NewOrder("ETHUSDT", side, kind, tif, price, lots, self.desk.next_client_id(), reduce)
        return self.desk.place(self.account, asked, MS)

    def refused(self, *args: Any, **more: Any) -> int:
        with pytest.raises(RestError) as error:
            self.order(*args, **more)
        return error.value.code

    @property
    def lots(self) -> int:
        return self.account.positions["ETHUSDT"].lots


def test_a_position_there_and_back_costs_the_spread_and_the_fees_exactly() -> None:
    stage = Stage()
    bought, sold = stage.order(BUY, 0, LOTS), stage.order(SELL, 0, LOTS)
    assert stage.lots == 0
    won = sold.quote - bought.quote
    assert stage.account.positions["ETHUSDT"].realised == won < 0
    assert stage.account.balance("USDT").free == 10_000 * UNIT + won - stage.clearing.fees["USDT"]
    told = [event["o"]["rp"] for event in stage.reports if event["e"] == "ORDER_TRADE_UPDATE" and "rp" in event["o"]]
    assert sum(round(float(text) * UNIT) for text in told) == won
    accounts = [event["a"] for event in stage.reports if event["e"] == "ACCOUNT_UPDATE"]
    assert [one["P"][0]["pa"] for one in accounts] == ["1.0000", "0.0000"]


def test_margin_is_what_the_larger_of_two_positions_needs() -> None:
    stage = Stage()
    price = (stage.book.bids.best or 0) - 1_000
    stage.order(BUY, price, 10 * LOTS)
    opened = stage.desk.open_orders(stage.account)
    stand = stage.clearing.stand(stage.account, "ETHUSDT", opened)
    assert (stand.notional, stand.position_margin, stand.order_margin) == (0, 0, price * 10 * UNIT // 100 // 20)
    # A sale of as much on the other side needs hardly more: only one of both can come to be.
    stage.order(SELL, price + 20_000, 10 * LOTS)
    both = stage.clearing.stand(stage.account, "ETHUSDT", stage.desk.open_orders(stage.account))
    assert both.margin == (price + 20_000) * 10 * UNIT // 100 // 20
    left = available(stage.account, "USDT", stage.clearing.stands(stage.account, stage.desk.open_orders(stage.account)))
    assert left == 10_000 * UNIT - both.margin
    assert stage.refused(BUY, price, 80 * LOTS) == -2019


def test_a_reduce_only_order_never_opens() -> None:
    stage = Stage()
    assert stage.refused(SELL, 0, LOTS, reduce=True) == -2022
    stage.order(BUY, 0, 2 * LOTS)
    assert stage.refused(BUY, 0, LOTS, reduce=True) == -2022
    assert stage.refused(SELL, 0, 3 * LOTS, reduce=True) == -2022
    far = (stage.book.asks.best or 0) + 5_000
    first, second = (stage.order(SELL, far, LOTS, reduce=True) for _ in range(2))
    assert stage.refused(SELL, far, 1, reduce=True) == -2022
    # A sale makes the position smaller: what does not fit any more ends, the newest first.
    stage.order(SELL, 0, LOTS // 2)
    assert (first.status, second.status) == ("NEW", "EXPIRED")
    stage.order(SELL, 0, LOTS, reduce=False)
    assert (first.status, stage.lots) == ("EXPIRED", LOTS // 2)
    assert stage.desk.open_orders(stage.account) == []


def test_a_position_is_closed_at_once_past_the_reduce_only_order_that_rests() -> None:
    stage = Stage()
    stage.order(BUY, 0, LOTS)
    resting = stage.order(SELL, (stage.book.asks.best or 0) + 5_000, LOTS, reduce=True)
    assert stage.order(SELL, 0, LOTS, reduce=True).status == "FILLED"
    assert (stage.lots, resting.status) == (0, "EXPIRED")


def test_an_order_that_could_close_first_takes_the_room_of_a_reduce_only_one() -> None:
    stage = Stage()
    stage.order(BUY, 0, LOTS)
    far = (stage.book.asks.best or 0) + 5_000
    reducing = stage.order(SELL, far, LOTS, reduce=True)
    stage.order(SELL, far + 1, LOTS)
    assert reducing.status == "EXPIRED"


def test_orders_that_must_be_met_at_once_or_not_at_all() -> None:
    stage = Stage()
    best, lots = stage.book.asks.top()
    assert stage.refused(BUY, best, LOTS, "GTX") == -5022
    assert stage.refused(BUY, best, lots + 1, "FOK") == -5021
    assert stage.order(BUY, best, min(lots, LOTS), "FOK").status == "FILLED"
    assert stage.order(BUY, (stage.book.bids.best or 0), LOTS, "GTX").status == "NEW"
    assert stage.order(BUY, (stage.book.bids.best or 0), LOTS, "IOC").status == "EXPIRED"
    assert stage.refused(BUY, best * 2, LOTS) == -4016
    assert stage.refused(SELL, best // 2, LOTS) == -4024


def test_who_lost_too_much_may_still_close() -> None:
    stage = Stage()
    stage.order(BUY, 0, 20 * LOTS)
    stage.account.balance("USDT").free = 0
    assert stage.refused(BUY, 0, LOTS) == -2019
    assert stage.order(SELL, 0, 20 * LOTS).status == "FILLED"
