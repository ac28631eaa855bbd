"""Whatever clients order on USD-M: books stay whole, positions are their fills, and reduce-only orders never open one."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.venue.matching import BUY, SELL
from papertape.venue.orders.account import UNIT, Account, Key
from papertape.venue.orders.desk import OrderDesk
from papertape.venue.orders.request import NewOrder
from papertape.venue.orders.usdm_clearing import UsdmClearing, position_of
from papertape.venue.parameters import RestError
from papertape.venue.rules import USDM
from papertape.venue.synthetic.market import BEGIN_NS, SyntheticMarket
from tests.property.test_venue_orders import whole

SYMBOL = "ETHUSDT"
KEYS = tuple(Key(name, name, {"USDT": 200_000}) for name in ("a", "b"))
KINDS = (("LIMIT", "GTC"), ("LIMIT", "IOC"), ("LIMIT", "FOK"), ("LIMIT", "GTX"), ("MARKET", "GTC"))

orders = st.tuples(
    st.sampled_from(("a", "b")),
    st.sampled_from((BUY, SELL)),
    st.sampled_from(KINDS),
    st.integers(-300, 300),
    st.integers(100, 400_000),
    st.booleans(),
)
steps = st.lists(st.one_of(orders, st.integers(1, 60), st.tuples(st.just("cancel"), st.integers(0, 5))), max_size=25)


class Books:
    """What the reports of an account add up to."""

    def __init__(self) -> None:
        self.lots = self.paid = self.won = self.fees = 0

    def take(self, event: dict[str, Any]) -> None:
        order = event.get("o", {})
        if order.get("x") != "TRADE":
            return
        lots = int(order["l"].replace(".", "")) * (BUY if order["S"] == "BUY" else SELL)
        # The price has two decimals and the size four: a lot at a tick is a hundred units of 1e-8.
        quote = lots * int(order["L"].replace(".", "")) * 100
        before, self.lots = self.lots, self.lots + lots
        self.paid += quote
        self.won += int(order["rp"].replace(".", ""))
        self.fees += int(order["n"].replace(".", ""))
        if order["R"]:
            assert abs(self.lots) < abs(before) and self.lots * before >= 0


@settings(max_examples=40, deadline=None)
@given(steps)
def test_positions_are_their_fills_and_reduce_only_orders_reduce(script: list[Any]) -> None:
    market = SyntheticMarket(5, (SYMBOL,), "binance-usdm")
    sums = {1: Books(), 2: Books()}

    def report(account: Account, event: dict[str, Any]) -> None:
        sums[account.number].take(event)

    clearing = UsdmClearing(USDM, {one.symbol: one for one in market.listings}, lambda symbol: None)
    desk = OrderDesk(market, clearing, KEYS, lambda events: None, report)
    book, ms = market.books[SYMBOL], BEGIN_NS // 1_000_000
    for step in script:
        if isinstance(step, int):
            for _ in range(step):
                market.advance()
        elif step[0] == "cancel":
            mine = desk.open_orders(desk.accounts["a"])
            if mine:
                desk.cancel(mine[step[1] % len(mine)], ms)
        else:
            name, side, (kind, time_in_force), distance, lots, reduce_only = step
            price = 0 if kind == "MARKET" else (book.asks.best or 265_000) + distance
            client_id = desk.next_client_id()
            asked = NewOrder(SYMBOL, side, kind, time_in_force, price, lots, client_id, reduce_only)
            try:
                desk.place(desk.accounts[name], asked, ms)
            except RestError as refused:
                assert refused.code in (-2019, -2022, -4164, -5021, -5022)
        ms = market.next_ns // 1_000_000
        whole(book)
        for account in desk.accounts.values():
            told, position = sums[account.number], position_of(account, SYMBOL)
            assert (position.lots, position.realised) == (told.lots, told.won)
            assert account.balance("USDT").free == 200_000 * UNIT + told.won - told.fees
            # What was paid is in the position, or was won or lost: nothing is lost by rounding.
            assert position.cost == told.paid + told.won
            for order in desk.open_orders(account):
                assert book.orders[order.book_id].lots == order.left
        assert clearing.fees.get("USDT", 0) == sum(one.fees for one in sums.values())
