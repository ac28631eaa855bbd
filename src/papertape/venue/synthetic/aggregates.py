"""Aggregate trades of the synthetic market: the fills of one taker at one price as one, right behind them."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from papertape.venue import lines
from papertape.venue.synthetic.market import Event

FIRST_AGGREGATE_ID = 3_000_000_000


def with_aggregates(events: Iterable[Event], last_ids: dict[str, int]) -> Iterator[Event]:
    """The events of one moment, with an `@aggTrade` after those that it sums up; `last_ids` holds the last id by stream."""
    together: list[tuple[Event, lines.Trade]] = []
    for event in events:
        trade = lines.trade_decoder.decode(event.payload) if event.stream.endswith("@trade") else None
        if together and (
            trade is None
            or event.stream != together[0][0].stream
            or (trade.price, trade.buyer_is_maker) != (together[0][1].price, together[0][1].buyer_is_maker)
        ):
            yield _aggregate(together, last_ids)
            together = []
        yield event
        if trade is not None:
            together.append((event, trade))
    if together:
        yield _aggregate(together, last_ids)


def _aggregate(together: list[tuple[Event, lines.Trade]], last_ids: dict[str, int]) -> Event:
    (event, first), (_, last) = together[0], together[-1]
    stream = event.stream.replace("@trade", "@aggTrade")
    number = last_ids[stream] = last_ids.get(stream, FIRST_AGGREGATE_ID) + 1
    size = sum((Decimal(trade.size) for _, trade in together), Decimal(0))
    spot = b'"M":' in event.payload
    symbol = stream.partition("@")[0].upper()
    maker = "true" if first.buyer_is_maker else "false"
    without_rpi, ignored = ("", ',"M":true') if spot else (f'"nq":"{size}",', "")
    payload = (
        f'{{"e":"aggTrade","E":{first.time_ms},"s":"{symbol}","a":{number},"p":"{first.price}","q":"{size}",{without_rpi}'
        f'"f":{first.id},"l":{last.id},"T":{first.time_ms},"m":{maker}{ignored}}}'
    )
    return Event(event.ts_ns, stream, payload.encode())
