"""What holds for the order book whatever orders come: nothing is lost, it is never crossed, and a naive book agrees."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from papertape.venue.matching import BUY, SELL, OrderBook

SIDES = st.sampled_from((BUY, SELL))
PRICES = st.integers(95, 105)
LOTS = st.integers(1, 20)
COMMANDS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), SIDES, PRICES, LOTS),
        st.tuples(st.just("take"), SIDES, PRICES, LOTS),
        st.tuples(st.just("cancel"), st.integers(1, 40)),
    ),
    max_size=60,
)


class NaiveBook:
    """A list of resting orders [id, side, price, lots]; who is met next is searched for."""

    def __init__(self) -> None:
        self.rows: list[list[int]] = []
        self.last_id = 0

    def take(self, side: int, price: int, lots: int) -> list[tuple[int, int, int]]:
        fills = []
        while lots:
            met = [row for row in self.rows if row[1] == -side and row[2] * side <= price * side]
            if not met:
                break
            row = min(met, key=lambda row: (row[2] * side, row[0]))
            filled = min(lots, row[3])
            row[3] -= filled
            lots -= filled
            fills.append((row[0], row[2], filled))
            self.rows = [row for row in self.rows if row[3]]
        return fills

    def place(self, side: int, price: int, lots: int) -> list[tuple[int, int, int]]:
        fills = self.take(side, price, lots)
        if rest := lots - sum(fill[2] for fill in fills):
            self.last_id += 1
            self.rows.append([self.last_id, side, price, rest])
        return fills

    def levels(self, side: int) -> list[tuple[int, int]]:
        prices = sorted({row[2] for row in self.rows if row[1] == side}, reverse=side == BUY)
        return [(price, sum(row[3] for row in self.rows if row[1:3] == [side, price])) for price in prices]


def run(book: OrderBook, naive: NaiveBook, command: tuple[Any, ...]) -> tuple[int, int]:
    """Give one command to both books; (lots that came in, lots that went out)."""
    if command[0] == "cancel":
        order = book.cancel(command[1])
        naive.rows = [row for row in naive.rows if row[0] != command[1]]
        return 0, order.lots if order else 0
    _, side, price, lots = command
    if command[0] == "take":
        fills = book.take(9, side, lots, price)
        assert [(fill.maker_id, fill.price, fill.lots) for fill in fills] == naive.take(side, price, lots)
        return 0, sum(fill.lots for fill in fills)
    placed = book.place(9, side, price, lots)
    assert [(fill.maker_id, fill.price, fill.lots) for fill in placed.fills] == naive.place(side, price, lots)
    return lots, 2 * sum(fill.lots for fill in placed.fills)


@given(COMMANDS)
def test_nothing_is_lost_and_the_book_is_never_crossed(commands: list[tuple[Any, ...]]) -> None:
    book, naive, held = OrderBook(), NaiveBook(), 0
    told: dict[tuple[int, int], int] = {}
    for command in commands:
        before = book.update_id
        came, went = run(book, naive, command)
        held += came - went
        assert held == sum(order.lots for order in book.orders.values())
        bid, ask = book.bids.best, book.asks.best
        assert bid is None or ask is None or bid < ask
        for side, one in ((BUY, book.bids), (SELL, book.asks)):
            assert one.all_levels() == naive.levels(side)
            changed = one.take_changed()
            told |= {(side, price): lots for price, lots in changed}
            assert {price: lots for (of, price), lots in told.items() if of == side and lots} == dict(one.all_levels())
            assert not changed or book.update_id > before
