"""Single orders in a market at rest; everything at once stands in tests/property/test_venue_orders.py."""

from typing import Any

import msgspec
import pytest

from papertape.venue.matching import BUY, SELL
from papertape.venue.orders import desk as desk_module
from papertape.venue.orders.account import Account, Key
from papertape.venue.orders.desk import OrderDesk, default_key
from papertape.venue.orders.request import NewOrder
from papertape.venue.orders.spot_clearing import SpotClearing
from papertape.venue.parameters import RestError
from papertape.venue.rules import SPOT, VenueRules
from papertape.venue.synthetic.market import Event, SyntheticMarket

MS = 1_767_225_600_000


class Stage:
    """A market that stands still, and one rich account."""

    def __init__(self, rules: VenueRules = SPOT) -> None:
        self.market = SyntheticMarket(5, ("ETHUSDT",))
        self.events: list[Event] = []
        self.reports: list[dict[str, Any]] = []
        keys = (Key("k", "s", {"USDT": 10_000_000, "ETH": 10_000}),)
        self.desk = OrderDesk(self.market, SpotClearing(rules), keys, self.events.extend, self._report)
        self.account = self.desk.accounts["k"]
        self.book = self.market.books["ETHUSDT"]

    def _report(self, account: Account, event: dict[str, Any]) -> None:
        self.reports.append(event)

    def order(self, side: int, kind: str, price: int, lots: int, time_in_force: str = "GTC") -> Any:
        asked = NewOrder("ETHUSDT", side, kind, time_in_force, price, lots, self.desk.next_client_id())
        return self.desk.place(self.account, asked, MS)


def test_fills_have_prints_and_a_fee() -> None:
    stage = Stage()
    best, lots = stage.book.asks.top()
    order = stage.order(BUY, "MARKET", 0, lots)
    assert (order.status, order.filled, stage.book.asks.best != best) == ("FILLED", lots, True)
    kinds = [event.stream.partition("@")[2] for event in stage.events]
    assert kinds == ["trade"] * len(order.fills) + ["bookTicker"]
    base, quote = order.amounts(best, lots)
    assert stage.desk.clearing.fees == {
        "ETH": sum(order.amounts(0, 0)[0] + int(f["commission"].replace(".", "")) for f in order.fills)
    }
    assert stage.account.balances["USDT"].free == 10_000_000 * 10**8 - quote
    assert stage.account.balances["ETH"].free == 10_000 * 10**8 + base - stage.desk.clearing.fees["ETH"]


def test_an_order_inside_the_spread_rests_until_it_is_met() -> None:
    stage = Stage()
    bid = stage.book.bids.best or 0
    order = stage.order(BUY, "LIMIT", bid, 10_000)
    assert (order.status, stage.desk.open_orders(stage.account)) == ("NEW", [order])
    queue = sum(one.lots for one in stage.book.bids.orders_at(bid)) - 10_000
    # Those who came first are met first.
    sold = stage.order(SELL, "LIMIT", bid, queue, "IOC")
    assert (sold.status, order.status) == ("FILLED", "NEW")
    again = stage.order(SELL, "LIMIT", bid, 10_000, "IOC")
    assert (order.status, again.status) == ("EXPIRED_IN_MATCH", "EXPIRED")
    assert stage.account.balances["USDT"].locked == 0


def test_all_or_nothing() -> None:
    stage = Stage()
    best, lots = stage.book.asks.top()
    assert stage.order(BUY, "LIMIT", best, lots + 1, "FOK").status == "EXPIRED"
    assert stage.book.asks.top() == (best, lots)
    assert stage.order(BUY, "LIMIT", best, lots, "FOK").status == "FILLED"


def test_a_maker_that_would_take_is_refused_and_holds_nothing() -> None:
    stage = Stage()
    with pytest.raises(RestError, match="immediately match"):
        stage.order(BUY, "LIMIT_MAKER", stage.book.asks.best or 0, 1000)
    assert stage.account.balances["USDT"].locked == 0
    assert stage.reports == []


def test_open_orders_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "ORDERS_MAX", 3)
    stage = Stage(msgspec.structs.replace(SPOT, open_orders_max=2))
    first = stage.order(BUY, "LIMIT", 100_000, 1000)
    stage.order(BUY, "LIMIT", 100_000, 1000)
    with pytest.raises(RestError, match="MAX_NUM_ORDERS"):
        stage.order(BUY, "LIMIT", 100_000, 1000)
    stage.desk.cancel(first, MS)
    stage.order(BUY, "LIMIT", 100_001, 1000)
    stage.desk.cancel(stage.desk.open_orders(stage.account)[0], MS)
    stage.order(BUY, "LIMIT", 100_002, 1000)
    assert stage.desk.find(stage.account, "ETHUSDT", first.order_id, None) is None


def test_an_own_order_behind_one_that_goes_is_not_met_either() -> None:
    stage = Stage()
    best, lots = stage.book.asks.top()
    own = [stage.order(SELL, "LIMIT", best, 50_000), stage.order(SELL, "LIMIT", best, 50_000)]
    taker = stage.order(BUY, "LIMIT", best, lots + 60_000, "IOC")
    assert (taker.status, taker.filled) == ("EXPIRED", lots)
    assert [order.status for order in own] == ["EXPIRED_IN_MATCH"] * 2


def test_what_a_box_gives_to_begin_with() -> None:
    key = default_key(SyntheticMarket(5, ("BTCUSDT", "PEPEUSDT")).listings, "binance-spot")
    assert key.balances["USDT"] == 1_000_000
    assert key.balances["BTC"] == 1
    assert key.balances["PEPE"] > 10**10
    margined = default_key(SyntheticMarket(5, ("BTCUSDT",), "binance-usdm").listings, "binance-usdm")
    assert margined.balances == {"USDT": 1_000_000}
