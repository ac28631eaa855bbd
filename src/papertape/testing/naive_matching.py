"""What the naive engine does with an order at the venue: arrival, taking, fills, and the balance it needs.

The sections "Taking", "Resting", "What an order must satisfy" and "Events" of `docs/explanation/the-engine.md`.
"""

from papertape.core.records import INT64_MAX, Flag
from papertape.paper_trading.engine.rows import (
    LEVELS_WALKED_MAX,
    EventKind,
    Liquidity,
    OrderType,
    Reason,
    Side,
    Status,
    TimeInForce,
)
from papertape.paper_trading.engine.state_hash import EventView
from papertape.testing.naive_account import Account, capped
from papertape.testing.naive_market import Listing, Order, Record, move_up, no_worse

Bite = tuple[int, int, int]
"""Price of a level, the size it displays, and what is taken of it."""


class NaiveMatching:
    """All orders, accounts and listings; `now_ns` is the time of whatever happens."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.listings: dict[int, Listing] = {}
        self.accounts: list[Account] = []
        self.orders: dict[int, Order] = {}
        self.events: list[EventView] = []
        self.events_made = 0
        self.levels_left = 0
        """What may still be taken by the record or arrival that is being carried out."""

    # Events.

    def tell(self, kind: EventKind, order: Order, reason: Reason = Reason.NOTHING) -> None:
        """An event that is not a fill."""
        nothing = (Liquidity.NOTHING, 0, 0, 0)
        self._event(kind, order, (order.price, order.size), nothing, reason)

    def tell_unknown(self, account: int, order: int, reason: Reason) -> None:
        """REFUSED, about an order that is not there."""
        nobody = Order(order, account, instrument=-1, side=0, type=0, tif=0, price=0, size=0)
        self.tell(EventKind.REFUSED, nobody, reason)

    def _event(
        self, kind: int, order: Order, what: tuple[int, int], fill: tuple[int, int, int, int], reason: int
    ) -> None:
        self.events_made += 1
        whose = (order.id, order.account, order.instrument, order.side)
        numbers = (self.events_made, self.now_ns, kind, *whose, *what, order.rest, *fill, reason)
        self.events.append(EventView(*map(int, numbers)))

    def end(self, order: Order, kind: EventKind, reason: Reason) -> None:
        """The order ends without being filled."""
        self._drop(order)
        self.tell(kind, order, reason)

    def _drop(self, order: Order) -> None:
        self.listings[order.instrument].leave(order)
        self.orders.pop(order.id, None)

    def _fill(self, order: Order, price: int, size: int, liquidity: Liquidity) -> None:
        listing = self.listings[order.instrument]
        terms = listing.terms
        rate = terms.taker_rate if liquidity is Liquidity.TAKER else terms.maker_rate
        account = self.accounts[order.account]
        money = account.fill(listing, order.instrument, order.side, price, size, rate)
        order.filled += size
        order.reserved = self._reservation(listing, order)
        if not order.rest:
            self._drop(order)
        self._event(EventKind.FILL, order, (price, size), (liquidity, *money), Reason.NOTHING)

    # What an order needs.

    def faults(self, listing: Listing, order: Order) -> Reason:
        """The first rule that a new or amended order breaks, balance apart."""
        rules = listing.instrument
        if order.type != OrderType.MARKET and (order.price <= 0 or order.price % rules.tick):
            return Reason.NOT_ON_TICK
        if order.size <= 0 or order.size % rules.lot:
            return Reason.NOT_ON_LOT
        if order.size < rules.min_size:
            return Reason.BELOW_MIN_SIZE
        if 0 < rules.max_size < order.size:
            return Reason.ABOVE_MAX_SIZE
        if not order.valued_at:
            return Reason.NO_MARKET
        value = listing.value(order.valued_at, order.size)
        if value > INT64_MAX:
            return Reason.TOO_LARGE
        if value < listing.min_value:
            return Reason.BELOW_MIN_NOTIONAL
        return Reason.NOTHING

    def reserve(self, listing: Listing, order: Order) -> Reason:
        """Reserve what the rest of an order needs, or say why that is not there; then nothing has changed."""
        account, others = self.accounts[order.account], self._others(order)
        held = account.size_of(order.instrument)
        same = [one for one in others if one.instrument == order.instrument and one.side == order.side]
        if listing.is_spot and order.side == Side.SELL:
            free = held - sum(one.rest for one in same)
            order.reserved = order.rest if order.rest <= free else order.reserved
            return Reason.NOTHING if order.rest <= free else Reason.NO_HOLDING
        reducing = order.rest + sum(one.rest for one in same if one.reduces)
        reduces = not listing.is_spot and held * order.side < 0 and reducing <= abs(held)
        needed = 0 if reduces else self._cost(listing, order)
        if listing.is_spot:
            enough = needed <= account.cash - self._reserved(others)
        else:
            used = account.exposure(self.listings) + self._reserved(others) + needed
            enough = reduces or capped(used) <= capped(account.equity(self.listings) * account.leverage)
        if not enough:
            return Reason.NO_BALANCE
        order.reduces, order.reserved = reduces, needed
        return Reason.NOTHING

    def _cost(self, listing: Listing, order: Order) -> int:
        """Value of the rest, for spot with the taker fee."""
        value = listing.value(order.valued_at, order.rest)
        return value + listing.fee(value, listing.terms.taker_rate) if listing.is_spot else value

    def _reservation(self, listing: Listing, order: Order) -> int:
        """What the rest of an accepted order keeps reserved: a size for a spot sell, else money."""
        if listing.is_spot and order.side == Side.SELL:
            return order.rest
        return 0 if order.reduces else self._cost(listing, order)

    def _others(self, order: Order) -> list[Order]:
        """The other live orders of the same account."""
        return [one for one in self.orders.values() if one.account == order.account and one.id != order.id]

    def _reserved(self, orders: list[Order]) -> int:
        """Money reserved by `orders`."""
        money = [one for one in orders if one.side == Side.BUY or not self.listings[one.instrument].is_spot]
        return sum(one.reserved for one in money)

    def reserved(self, account: int) -> int:
        """Money that the orders of an account reserve."""
        return self._reserved([one for one in self.orders.values() if one.account == account])

    # Arrival.

    def arrive(self, order: Order) -> None:
        """An order reaches the venue, for the first time or after an amend."""
        listing = self.listings[order.instrument]
        order.status, order.active_ns = Status.WORKING, self.now_ns
        if order.type == OrderType.MARKET:
            self._market(listing, order)
        elif order.type == OrderType.LIMIT:
            self._limit(listing, order)
        elif listing.stop_fires(order):
            self._fire(listing, order)
        else:
            listing.wait(order)
            self.tell(EventKind.ACCEPTED, order)

    def _fire(self, listing: Listing, order: Order) -> None:
        self.tell(EventKind.TRIGGERED, order)
        self._market(listing, order)

    def _market(self, listing: Listing, order: Order) -> None:
        if listing.is_crossed or not listing.best(-order.side)[0]:
            return self.end(order, EventKind.REJECTED, Reason.NO_MARKET)
        bites = self._reach(listing, order, None)
        if listing.is_spot and order.side == Side.BUY:
            values = [listing.value(price, size) for price, _, size in bites]
            cost = sum(value + listing.fee(value, listing.terms.taker_rate) for value in values)
            if cost > self.accounts[order.account].cash - self._reserved(self._others(order)):
                return self.end(order, EventKind.REJECTED, Reason.NO_BALANCE)
        self._take(listing, order, None)
        if order.rest:
            self.end(order, EventKind.EXPIRED, Reason.NO_LIQUIDITY)
        return None

    def _limit(self, listing: Listing, order: Order) -> None:
        opposite = listing.best(-order.side)[0]
        is_open = bool(opposite) and not listing.is_crossed
        if is_open and order.tif == TimeInForce.POST_ONLY and no_worse(order.side, opposite, order.price):
            return self.end(order, EventKind.EXPIRED, Reason.WOULD_TAKE)
        bites = self._reach(listing, order, order.price) if is_open else []
        if order.tif == TimeInForce.FOK and sum(size for _, _, size in bites) < order.rest:
            return self.end(order, EventKind.EXPIRED, Reason.NOT_FILLABLE)
        if is_open:
            self._take(listing, order, order.price)
        if order.rest and order.tif == TimeInForce.IOC:
            self.end(order, EventKind.EXPIRED, Reason.IOC_REST)
        elif order.rest:
            listing.wait(order)
            self.tell(EventKind.ACCEPTED, order)
        return None

    # Taking.

    def _levels(self, listing: Listing, order: Order, limit: int | None) -> list[tuple[int, int]]:
        """The levels of the other side that the order may trade at; whole fills know the best one only, of any size."""
        levels = listing.levels(-order.side)[:LEVELS_WALKED_MAX]
        if listing.terms.whole_fills:
            levels = [(price, 0) for price, _ in levels[:1]]
        return [level for level in levels if limit is None or no_worse(order.side, level[0], limit)]

    def _bite(self, order: Order, price: int, displayed: int, wanted: int) -> int:
        """What an order gets of a level: what it displays, less what its account took of it."""
        gone = self.accounts[order.account].gone((order.instrument, -order.side, price), displayed)
        return min(wanted, displayed - gone) if displayed else wanted

    def _reach(self, listing: Listing, order: Order, limit: int | None) -> list[Bite]:
        """What the order could take of the other side now, no worse than `limit`."""
        wanted, bites = order.rest, []
        for price, displayed in self._levels(listing, order, limit):
            size = self._bite(order, price, displayed, wanted)
            bites.append((price, displayed, size))
            wanted -= size
        return [bite for bite in bites if bite[2]]

    def _take(self, listing: Listing, order: Order, limit: int | None, own_price: int | None = None) -> None:
        """Take level by level: at the levels' prices as taker, or at the order's own price as maker."""
        for price, displayed in self._levels(listing, order, limit):
            if not (order.rest and self.levels_left):
                break
            self.levels_left -= 1
            size = self._bite(order, price, displayed, order.rest)
            if listing.value(price, size) > INT64_MAX:
                break
            if size and displayed:
                self.accounts[order.account].remember((order.instrument, -order.side, price), displayed, size)
            if size and own_price is None:
                self._fill(order, price, size, Liquidity.TAKER)
            elif size:
                self._fill(order, own_price or 0, size, Liquidity.MAKER)

    # What the market does to waiting orders.

    def print_fills(self, listing: Listing, record: Record) -> None:
        """A usable print: resting orders of the opposite side, then the last price."""
        side = Side.BUY if record.flags & Flag.ASK else Side.SELL
        left = [record.size] * len(self.accounts)
        for order in list(listing.resting[side]):
            if not no_worse(side, record.price, order.price):
                break
            if 0 < record.ts_event_ns < order.active_ns:
                continue
            left[order.account] -= self._print_fill(listing, order, record, max(left[order.account], 0))
        listing.last = record.price

    def _print_fill(self, listing: Listing, order: Order, record: Record, left: int) -> int:
        """What the order gets of the `left` size of a print that reached its price."""
        through, rest = record.price != order.price, order.rest
        if through:
            size = rest if listing.terms.whole_fills else min(rest, left)
            order.ahead = order.shown = 0
        elif order.ahead < 0:
            size = 0
        else:
            if record.ts_event_ns > order.shown_ns:
                order.shown = 0
            counted = min(order.shown, left)
            order.shown -= counted
            left -= counted
            size = min(rest, max(left - order.ahead, 0))
            size = rest if listing.terms.whole_fills and size else size
            order.ahead = max(order.ahead - left, 0)
        if size:
            self._fill(order, order.price, size, Liquidity.MAKER)
        return size

    def top_fills(self, listing: Listing) -> None:
        """The top has changed: it fills resting orders whose limit it has reached; the others move up."""
        for side, orders in listing.resting.items():
            for order in list(orders):
                opposite = listing.best(-side)[0]
                if opposite and not listing.is_crossed and no_worse(side, opposite, order.price):
                    self._take(listing, order, order.price, order.price)
                    move_up(order, 0, listing.told_ns)
        listing.move_up_by_top()

    def fire_stops(self, listing: Listing) -> None:
        """Fire the stops whose trigger is reached."""
        for orders in listing.stops.values():
            for order in [one for one in orders if listing.stop_fires(one)]:
                listing.leave(order)
                self._fire(listing, order)
