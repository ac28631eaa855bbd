"""How a venue tells what happens on a book of the synthetic market: the payloads of its streams."""

from collections.abc import Iterable
from typing import Protocol

from papertape.core.fixed import format_fixed
from papertape.venue.matching import BUY
from papertape.venue.rules import VenueName
from papertape.venue.synthetic.listings import Listing

SPOT_PLACES = 8
"""Decimals that spot writes every number with."""


class Wire(Protocol):
    """The payloads of one symbol. Times are the venue's, in milliseconds."""

    def trade(self, ms: int, trade_id: int, price: int, lots: int, taker_side: int) -> bytes:
        """A print."""
        ...

    def ticker(self, ms: int, update_id: int, bid: tuple[int, int], ask: tuple[int, int]) -> bytes:
        """A best bid and ask, each a price and its lots."""
        ...

    def depth(
        self, ms: int, ids: tuple[int, int, int], bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]
    ) -> bytes:
        """A depth change; `ids` are the last of the event before, the first and the last of this one."""
        ...

    def levels(self, side: Iterable[tuple[int, int]]) -> list[tuple[str, str]]:
        """Levels as the venue spells them."""
        ...


class _Spelling:
    """How numbers are written."""

    def __init__(self, listing: Listing, places: int | None) -> None:
        price_places, size_places = (places, places) if places else (listing.price_scale, listing.size_scale)
        self.symbol = listing.symbol
        self._price_places, self._size_places = price_places, size_places
        self._tick = 10 ** (price_places - listing.price_scale)
        self._lot = 10 ** (size_places - listing.size_scale)

    def price(self, ticks: int) -> str:
        return format_fixed(ticks * self._tick, self._price_places)

    def size(self, lots: int) -> str:
        return format_fixed(lots * self._lot, self._size_places)

    def levels(self, side: Iterable[tuple[int, int]]) -> list[tuple[str, str]]:
        return [(self.price(price), self.size(lots)) for price, lots in side]

    def json_levels(self, side: Iterable[tuple[int, int]]) -> str:
        return ",".join(f'["{self.price(price)}","{self.size(lots)}"]' for price, lots in side)


class SpotWire(_Spelling):
    """Binance spot."""

    def __init__(self, listing: Listing) -> None:
        super().__init__(listing, SPOT_PLACES)

    def trade(self, ms: int, trade_id: int, price: int, lots: int, taker_side: int) -> bytes:
        """As `Wire.trade`."""
        maker = "false" if taker_side == BUY else "true"
        return (
            f'{{"e":"trade","E":{ms},"s":"{self.symbol}","t":{trade_id},"p":"{self.price(price)}",'
            f'"q":"{self.size(lots)}","T":{ms},"m":{maker},"M":true}}'
        ).encode()

    def ticker(self, ms: int, update_id: int, bid: tuple[int, int], ask: tuple[int, int]) -> bytes:
        """As `Wire.ticker`; spot gives no times."""
        return (
            f'{{"u":{update_id},"s":"{self.symbol}","b":"{self.price(bid[0])}","B":"{self.size(bid[1])}",'
            f'"a":"{self.price(ask[0])}","A":"{self.size(ask[1])}"}}'
        ).encode()

    def depth(
        self, ms: int, ids: tuple[int, int, int], bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]
    ) -> bytes:
        """As `Wire.depth`."""
        return (
            f'{{"e":"depthUpdate","E":{ms},"s":"{self.symbol}","U":{ids[1]},"u":{ids[2]},'
            f'"b":[{self.json_levels(bids)}],"a":[{self.json_levels(asks)}]}}'
        ).encode()


class UsdmWire(_Spelling):
    """Binance USD-M."""

    def __init__(self, listing: Listing) -> None:
        super().__init__(listing, None)

    def trade(self, ms: int, trade_id: int, price: int, lots: int, taker_side: int) -> bytes:
        """As `Wire.trade`."""
        maker = "false" if taker_side == BUY else "true"
        return (
            f'{{"e":"trade","E":{ms},"T":{ms},"s":"{self.symbol}","t":{trade_id},"p":"{self.price(price)}",'
            f'"q":"{self.size(lots)}","X":"MARKET","m":{maker}}}'
        ).encode()

    def ticker(self, ms: int, update_id: int, bid: tuple[int, int], ask: tuple[int, int]) -> bytes:
        """As `Wire.ticker`."""
        return (
            f'{{"e":"bookTicker","u":{update_id},"s":"{self.symbol}","b":"{self.price(bid[0])}",'
            f'"B":"{self.size(bid[1])}","a":"{self.price(ask[0])}","A":"{self.size(ask[1])}","T":{ms},"E":{ms}}}'
        ).encode()

    def depth(
        self, ms: int, ids: tuple[int, int, int], bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]
    ) -> bytes:
        """As `Wire.depth`."""
        return (
            f'{{"e":"depthUpdate","E":{ms},"T":{ms},"s":"{self.symbol}","U":{ids[1]},"u":{ids[2]},"pu":{ids[0]},'
            f'"b":[{self.json_levels(bids)}],"a":[{self.json_levels(asks)}]}}'
        ).encode()


def wire_of(venue: VenueName, listing: Listing) -> Wire:
    """The payloads of a symbol as `venue` writes them."""
    return SpotWire(listing) if venue == "binance-spot" else UsdmWire(listing)
