"""nautilus_trader's side of decode.py, run by the Python of .bench-peers: `decode_nautilus_side.py FOLDER ROUNDS SIDE`.

Frames enter its Binance data client where the WebSocket client hands them over. Where its data engine would take the
objects stands a function that counts. It logs nothing and connects to nothing.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from decode_frames import KINDS, Answer, Input, asked, best_us
from nautilus_trader.adapters.binance.common.enums import BinanceAccountType
from nautilus_trader.adapters.binance.config import BinanceDataClientConfig
from nautilus_trader.adapters.binance.factories import BinanceLiveDataClientFactory
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.model.identifiers import TraderId

Play = Callable[[Sequence[bytes]], None]
ACCOUNTS = {"spot": BinanceAccountType.SPOT, "usdm": BinanceAccountType.USDT_FUTURES}


def started(made: Input, take: Callable[[Any], None]) -> Play:
    """What plays frames into a data client; `take` gets the objects."""
    clock = LiveClock()
    bus = MessageBus(trader_id=TraderId("PEER-001"), clock=clock)
    bus.register(endpoint="DataEngine.process", handler=take)
    config = BinanceDataClientConfig(api_key="none", api_secret="none", account_type=ACCOUNTS[made.market])
    loop = asyncio.get_running_loop()
    client = BinanceLiveDataClientFactory.create(loop, None, config, bus, Cache(), clock)

    def play(frames: Sequence[bytes]) -> None:
        handle = client._handle_ws_message  # noqa: SLF001 - its WebSocket client calls this one
        for frame in frames:
            handle(frame)

    return play


def proof(made: Input, kind: str, frames: Sequence[bytes]) -> Answer:
    seen: list[Any] = []
    started(made, seen.append)(frames)
    price, size = lambda one: made.price(one.as_decimal()), lambda one: made.size(one.as_decimal())
    if kind == "depth":
        orders = [delta.order for deltas in seen for delta in deltas.deltas]
        totals = {
            "price_sum": sum(price(one.price) for one in orders),
            "size_sum": sum(size(one.size) for one in orders),
        }
        return {"events": len(seen), "levels": len(orders), **totals}
    names = (("bid_price", "ask_price"), ("bid_size", "ask_size")) if kind == "quotes" else (("price",), ("size",))
    rows = [([price(getattr(one, n)) for n in names[0]], [size(getattr(one, n)) for n in names[1]]) for one in seen]
    totals = {"price_sum": sum(sum(row[0]) for row in rows), "size_sum": sum(sum(row[1]) for row in rows)}
    return {"events": len(rows), **totals, "last": [*rows[-1][0], *rows[-1][1]]}


async def main() -> None:
    made, rounds, _ = asked()
    count = 0

    def take(found: Any) -> None:
        nonlocal count
        count += 1

    answers = {}
    for kind in KINDS:
        frames = [frame for _, frame in made.frames[kind]]
        answers[kind] = {**proof(made, kind, frames), "us": best_us(lambda: started(made, take), frames, rounds)}
    print(json.dumps(answers))


asyncio.run(main())
