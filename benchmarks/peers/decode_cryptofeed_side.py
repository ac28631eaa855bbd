"""cryptofeed's side of decode.py, run by the Python of .bench-peers: `decode_cryptofeed_side.py FOLDER ROUNDS SIDE`.

Trades are written as aggregate trades before the clock starts, the only ones that it takes. Its quotes have no sizes.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import uvloop
from cryptofeed.defines import ASK, BID, L2_BOOK, TICKER, TRADES
from cryptofeed.exchanges import Binance, BinanceFutures
from cryptofeed.symbols import Symbols
from decode_frames import KINDS, Answer, Input, Stamped, asked, best_us_awaited, figures_of_levels

Frame = tuple[float, str]
Play = Callable[[Sequence[Frame]], Awaitable[None]]


def told(kind: str, frames: Sequence[Stamped]) -> list[Frame]:
    """The frames as its WebSocket client gives them: text, and arrival in seconds."""
    texts = [(stamp / 1e9, frame.decode()) for stamp, frame in frames]
    if kind == "trades":
        return [(at, text.replace('"e":"trade"', '"e":"aggTrade"').replace('"t":', '"a":')) for at, text in texts]
    return texts


class Snapshot:
    """Answers the only question that the feed asks over HTTP."""

    def __init__(self, body: bytes) -> None:
        self._body = body.decode()

    async def read(self, address: str) -> str:
        return self._body


async def started(made: Input, callback: Callable[[Any, float], Awaitable[None]]) -> tuple[Any, Play]:
    """A feed whose book stands at the snapshot, and what plays frames into it."""
    kind = {"spot": Binance, "usdm": BinanceFutures}[made.market]
    Symbols.set(kind.id, *kind._parse_symbol_data(made.exchange_info))  # noqa: SLF001 - else it asks the venue
    name = next(iter(Symbols.get(kind.id)[0]))
    channels = (TICKER, TRADES, L2_BOOK)
    feed = kind(symbols=[name], channels=list(channels), callbacks=dict.fromkeys(channels, callback))
    feed.http_conn = Snapshot(made.snapshot)
    await feed._snapshot(made.symbol)  # noqa: SLF001 - else the first timed frame would

    async def play(frames: Sequence[Frame]) -> None:
        handle = feed.message_handler
        for arrived_s, frame in frames:
            await handle(frame, None, arrived_s)

    return feed, play


async def proof(made: Input, kind: str, frames: Sequence[Frame]) -> Answer:
    seen: list[Any] = []

    async def keep(found: Any, _: float) -> None:
        seen.append(found.delta if kind == "depth" else found)

    feed, play = await started(made, keep)
    seen.clear()
    await play(frames)
    price, size = made.price, made.size
    if kind == "quotes":
        rows = [[price(one.bid), price(one.ask)] for one in seen]
        return {"events": len(seen), "price_sum": sum(map(sum, rows))}
    if kind == "trades":
        trades = [[price(one.price), size(one.amount)] for one in seen]
        totals = {"price_sum": sum(one[0] for one in trades), "size_sum": sum(one[1] for one in trades)}
        return {"events": len(seen), **totals, "last": trades[-1]}
    levels = [level for delta in seen for side in (BID, ASK) for level in delta[side]]
    book = next(iter(feed._l2_book.values())).book  # noqa: SLF001 - it hands out its books no other way
    sides = [[(price(p), size(s)) for p, s in book[side].to_dict().items()] for side in (BID, ASK)]
    return {
        "events": len(seen),
        "levels": len(levels),
        "price_sum": sum(price(level[0]) for level in levels),
        "size_sum": sum(size(level[1]) for level in levels),
        "book": figures_of_levels(*sides),
    }


async def main() -> None:
    made, rounds, _ = asked()
    count = 0

    async def callback(found: Any, arrived_s: float) -> None:
        nonlocal count
        count += 1

    async def begin() -> Play:
        return (await started(made, callback))[1]

    answers = {}
    for kind in KINDS:
        frames = told(kind, made.frames[kind])
        answers[kind] = {**await proof(made, kind, frames), "us": await best_us_awaited(begin, frames, rounds)}
    print(json.dumps(answers))


uvloop.install()
asyncio.run(main())
