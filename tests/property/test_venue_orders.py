"""Whatever clients order: books stay whole, money is only moved, and what is locked is what resting orders need."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.venue.matching import BUY, SELL, OrderBook
from papertape.venue.orders.account import Account, Key
from papertape.venue.orders.desk import OrderDesk
from papertape.venue.orders.request import NewOrder
from papertape.venue.orders.spot_clearing import SpotClearing
from papertape.venue.parameters import RestError
from papertape.venue.rules import SPOT
from papertape.venue.synthetic.market import BEGIN_NS, SyntheticMarket

SYMBOL = "ETHUSDT"
KEYS = tuple(Key(name, name, {"USDT": 200_000, "ETH": 50}) for name in ("a", "b"))

orders = st.tuples(
    st.sampled_from(("a", "b")),
    st.sampled_from((BUY, SELL)),
    st.sampled_from((("LIMIT", "GTC"), ("LIMIT", "IOC"), ("LIMIT", "FOK"), ("LIMIT_MAKER", "GTC"), ("MARKET", "GTC"))),
    st.integers(-300, 300),
    st.integers(100, 400_000),
)
steps = st.lists(st.one_of(orders, st.integers(1, 60), st.tuples(st.just("cancel"), st.integers(0, 5))), max_size=25)


def whole(book: OrderBook) -> None:
    """The book is what its orders say, and not crossed."""
    for side in (book.bids, book.asks):
        assert side.keys == sorted(side.keys) == sorted(side.levels)
        for key, level in side.levels.items():
            assert level.lots == sum(order.lots for order in level.orders.values()) > 0
            assert all(order.price == key * side.sign for order in level.orders.values())
    resting = [
        order for side in (book.bids, book.asks) for level in side.levels.values() for order in level.orders.values()
    ]
    assert sorted(order.order_id for order in resting) == sorted(book.orders)
    if book.bids.best is not None and book.asks.best is not None:
        assert book.bids.best < book.asks.best


def settled(desk: OrderDesk, book: OrderBook) -> None:
    """Nobody is below zero; what is locked is what the open orders need; they rest in the book with what is left of them."""
    for account in desk.accounts.values():
        assert all(one.free >= 0 and one.locked >= 0 for one in account.balances.values())
        held = dict.fromkeys(account.balances, 0)
        for order in desk.open_orders(account):
            held[order.paying] += order.locked
            left = order.asked.lots - order.filled
            base, quote = order.amounts(order.asked.price, left)
            assert order.locked >= (quote if order.asked.side == BUY else base)
            assert book.orders[order.book_id].lots == left
            assert book.orders[order.book_id].owner == account.number
        assert {asset: one.locked for asset, one in account.balances.items()} == held


@settings(max_examples=40, deadline=None)
@given(steps)
def test_books_and_money_stay_whole(script: list[Any]) -> None:
    market = SyntheticMarket(5, (SYMBOL,))
    told: list[dict[str, Any]] = []

    def report(account: Account, event: dict[str, Any]) -> None:
        told.append({"account": account.number} | event)

    desk = OrderDesk(market, SpotClearing(SPOT), KEYS, lambda events: None, report)
    book, ms = market.books[SYMBOL], BEGIN_NS // 1_000_000
    last_update_id = book.update_id
    for step in script:
        if isinstance(step, int):
            for _ in range(step):
                market.advance()
        elif step[0] == "cancel":
            mine = desk.open_orders(desk.accounts["a"])
            if mine:
                desk.cancel(mine[step[1] % len(mine)], ms)
        else:
            name, side, (kind, time_in_force), distance, lots = step
            price = 0 if kind == "MARKET" else (book.asks.best or 265_000) + distance
            asked = NewOrder(SYMBOL, side, kind, time_in_force, price, lots, desk.next_client_id())
            try:
                order = desk.place(desk.accounts[name], asked, ms)
            except RestError as refused:
                assert refused.code in (-2010, -1013)
            else:
                assert 0 <= order.filled <= lots
                assert (order.status == "FILLED") == (order.filled == lots)
        ms = market.next_ns // 1_000_000
        assert book.update_id >= last_update_id
        last_update_id = book.update_id
        whole(book)
        settled(desk, book)
    # What the reports say of fills is what the balances show.
    for account in desk.accounts.values():
        mine_told = [one for one in told if one["account"] == account.number and one.get("x") == "TRADE"]
        bought = sum(_amount(one["l"]) * (1 if one["S"] == "BUY" else -1) for one in mine_told)
        fees = sum(_amount(one["n"]) for one in mine_told if one["N"] == "ETH")
        ether = account.balances["ETH"]
        assert ether.free + ether.locked == 50 * 10**8 + bought - fees


def _amount(text: str) -> int:
    return int(text.replace(".", ""))
