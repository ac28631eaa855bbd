"""The money of USD-M in one-way mode and cross margin: positions, what they win, fees, and what margin allows."""

from collections.abc import Callable
from typing import Any, NamedTuple

from papertape.core.fixed import format_fixed
from papertape.venue.exchange_info import split_symbol
from papertape.venue.matching import BUY
from papertape.venue.orders import usdm_words
from papertape.venue.orders.account import AMOUNT_SCALE, Account, Position
from papertape.venue.orders.clearing import Meets
from papertape.venue.orders.order import ClientOrder, amount_text
from papertape.venue.orders.usdm_request import check_notional, check_price
from papertape.venue.parameters import RestError
from papertape.venue.rules import VenueRules
from papertape.venue.synthetic.listings import Listing

LEVERAGE = 20
"""Of every symbol, as exchangeInfo says: the margin required is 5 %."""
MAINTENANCE_ONE_IN = 40
MAKER_FEE_PPM, TAKER_FEE_PPM = 200, 500
"""Of the quote amount of a fill, cut to 1e-8: 0.02 % and 0.05 %."""
_PPM = 1_000_000


class Stand(NamedTuple):
    """How an account stands in one symbol at the mark price; amounts of 1e-8."""

    notional: int
    """Value of the position, negative when short."""
    unrealised: int
    position_margin: int
    order_margin: int
    """What open orders need beyond the position."""

    @property
    def margin(self) -> int:
        """The initial margin."""
        return self.position_margin + self.order_margin

    @property
    def maintenance(self) -> int:
        """The maintenance margin."""
        return abs(self.notional) // MAINTENANCE_ONE_IN


class UsdmClearing:
    """As `Clearing`, for Binance USD-M. It knows no funding payments and no liquidation."""

    def __init__(self, rules: VenueRules, listings: dict[str, Listing], mark: Callable[[str], int | None]) -> None:
        """`mark` gives the mark price of a symbol in 1e-8 of the quote, None before there is one."""
        self.fees: dict[str, int] = {}
        self._open_max = rules.open_orders_max
        self._listings = listings
        self._mark = mark

    def admit(self, order: ClientOrder, meets: Meets, opened: list[ClientOrder]) -> None:
        """As `Clearing.admit`: codes -2025, -4116, -5022, -5021, -4164, -4016, -4024, -2022, -2019."""
        asked = order.asked
        mine = [one for one in opened if one.asked.symbol == asked.symbol]
        if len(mine) >= self._open_max:
            raise RestError(-2025, "Reach max open order limit.")
        if any(one.asked.client_id == asked.client_id for one in mine):
            raise RestError(-4116, "ClientOrderId is duplicated.")
        if asked.kind == "MARKET":
            # A market order without anybody to meet is taken, and expires.
            check_notional(asked, (meets.best or 10**18) * asked.lots, order.listing)
        else:
            scale = 10 ** (AMOUNT_SCALE - order.listing.price_scale)
            check_price(asked, asked.price * scale, self.mark(asked.symbol))
        if asked.time_in_force == "GTX" and meets.any:
            message = "Due to the order could not be executed as maker, the Post Only order will be rejected."
            raise RestError(-5022, message)
        if asked.time_in_force == "FOK" and meets.lots < asked.lots:
            message = "Due to the order could not be filled immediately, the FOK order has been rejected."
            raise RestError(-5021, message)
        # One that does not come to rest is over before any other can be met.
        rivals = mine if asked.may_rest else []
        if asked.reduce_only and self.unfit(order.account, asked.symbol, [*rivals, order]):
            raise RestError(-2022, "ReduceOnly Order is rejected.")
        self._check_margin(order, meets, opened)

    def fill(self, order: ClientOrder, price: int, lots: int, trade_id: int, *, maker: bool) -> dict[str, Any]:
        """As `Clearing.fill`."""
        account, asset = order.account, order.quote_asset
        quote = order.amounts(price, lots)[1]
        fee = quote * (MAKER_FEE_PPM if maker else TAKER_FEE_PPM) // _PPM
        sign = order.asked.side
        won = position_of(account, order.asked.symbol).trade(lots * sign, quote * sign)
        account.balance(asset).free += won - fee
        self.fees[asset] = self.fees.get(asset, 0) + fee
        told: dict[str, Any] = {"l": usdm_words.size_text(order, lots), "L": usdm_words.price_text(order, price)}
        return told | {"n": amount_text(fee), "N": asset, "t": trade_id, "m": maker, "rp": amount_text(won)}

    def release(self, order: ClientOrder) -> None:
        """As `Clearing.release`: margin is counted from what is open, so nothing is held."""

    def unfit(self, account: Account, symbol: str, opened: list[ClientOrder]) -> list[ClientOrder]:
        """As `Clearing.unfit`: reduce-only orders, the newest first, until all that could close a position fit into it.

        Open orders that are not reduce-only count too: the crowd may meet all of them at once, and a reduce-only order
        must not open a position then either.
        """
        held = position_of(account, symbol).lots
        unfit = []
        for side in (BUY, -BUY):
            room = max(0, -held * side)
            orders = [one for one in opened if one.asked.side == side]
            too_many = sum(one.left for one in orders) - room
            for order in reversed(orders):
                if too_many > 0 and order.asked.reduce_only:
                    unfit.append(order)
                    too_many -= order.left
        return unfit

    def report(self, order: ClientOrder, execution: str, ms: int, fill: dict[str, Any] | None = None) -> dict[str, Any]:
        """As `Clearing.report`."""
        return usdm_words.report(order, execution, ms, fill)

    def account_report(self, account: Account, traded: str, ms: int) -> dict[str, Any] | None:
        """As `Clearing.account_report`: ACCOUNT_UPDATE after fills only, of the asset and the symbol that they changed."""
        if not traded:
            return None
        position = position_of(account, traded)
        position.updated_ms = ms
        asset = split_symbol(traded)[1]
        wallet = amount_text(account.balance(asset).free)
        stand = self.stand(account, traded, [])
        row = {"s": traded, "pa": self.size_text(traded, position.lots), "ep": self.entry_text(traded, position)}
        row |= {"cr": amount_text(position.realised), "up": amount_text(stand.unrealised)}
        row |= {"mt": "cross", "iw": "0", "ps": "BOTH", "ma": asset}
        balance = {"a": asset, "wb": wallet, "cw": wallet, "bc": "0"}
        return {"e": "ACCOUNT_UPDATE", "T": ms, "E": ms, "a": {"B": [balance], "P": [row], "m": "ORDER"}}

    def mark(self, symbol: str) -> int:
        """The mark price in 1e-8 of the quote; before there is one, the price at which the symbol opened."""
        listing = self._listings[symbol]
        return self._mark(symbol) or listing.price * 10 ** (AMOUNT_SCALE - listing.price_scale)

    def stand(
        self, account: Account, symbol: str, opened: list[ClientOrder], buying: int = 0, selling: int = 0
    ) -> Stand:
        """How an account with these open orders, and others that buy and sell for so much, stands in a symbol.

        The margin of a symbol is that of the larger of two positions: the one that all buy orders lead to, and the one
        that all sell orders lead to. Reduce-only orders need none.
        """
        position = position_of(account, symbol)
        notional = self.mark(symbol) * position.lots // 10 ** self._listings[symbol].size_scale
        for one in opened:
            if one.asked.symbol == symbol and not one.asked.reduce_only:
                quote = one.amounts(one.asked.price, one.left)[1]
                buying += quote if one.asked.side == BUY else 0
                selling += quote if one.asked.side != BUY else 0
        margin = max(abs(notional + buying), abs(notional - selling)) // LEVERAGE
        held = abs(notional) // LEVERAGE
        return Stand(notional, notional - position.cost, held, margin - held)

    def stands(self, account: Account, opened: list[ClientOrder]) -> dict[str, Stand]:
        """The stand in each symbol of which the account has a position or an open order."""
        symbols = [symbol for symbol, position in account.positions.items() if position.lots]
        symbols += [order.asked.symbol for order in opened]
        return {symbol: self.stand(account, symbol, opened) for symbol in dict.fromkeys(symbols)}

    def size_text(self, symbol: str, lots: int) -> str:
        """A size of a symbol as the venue writes it."""
        return format_fixed(lots, self._listings[symbol].size_scale)

    def entry_text(self, symbol: str, position: Position) -> str:
        """The price at which a position was entered, cut to eight decimals."""
        if not position.lots:
            return amount_text(0)
        return amount_text(position.cost * 10 ** self._listings[symbol].size_scale // position.lots)

    def _check_margin(self, order: ClientOrder, meets: Meets, opened: list[ClientOrder]) -> None:
        """Raises RestError -2019 for an order that needs more margin than there is; one that needs no more may always come."""
        asked, account = order.asked, order.account
        if asked.reduce_only:
            return
        if asked.kind == "MARKET":
            quote = sum(order.amounts(price, lots)[1] for price, lots in meets.others)
        else:
            quote = order.amounts(asked.price, asked.lots)[1]
        more = (quote, 0) if asked.side == BUY else (0, quote)
        before = self.stand(account, asked.symbol, opened)
        needed = self.stand(account, asked.symbol, opened, *more).margin - before.margin
        if needed > 0 and needed > available(account, order.quote_asset, self.stands(account, opened)):
            raise RestError(-2019, "Margin is insufficient.")


def position_of(account: Account, symbol: str) -> Position:
    """The position of an account in a symbol, which may be none."""
    return account.positions.setdefault(symbol, Position())


def available(account: Account, asset: str, stands: dict[str, Stand]) -> int:
    """What is left of an asset for the margin of new orders; below zero after losses."""
    mine = [stand for symbol, stand in stands.items() if split_symbol(symbol)[1] == asset]
    return account.balance(asset).free + sum(stand.unrealised - stand.margin for stand in mine)
