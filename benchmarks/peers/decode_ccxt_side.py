"""ccxt.pro's side of decode.py, run by the Python of .bench-peers: `decode_ccxt_side.py FOLDER ROUNDS SIDE`.

Frames enter where its client hands over what it received: JSON by orjson, then `handle_message`. It hands out the state, not
events: what its client resolves is counted.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import ccxt.pro
from ccxt.async_support.base.ws import client as ws_client
from decode_frames import KINDS, Answer, Input, asked, best_us, figures_of_levels

Play = Callable[[Sequence[str]], None]
URLS = {"spot": "wss://stream.binance.com:9443/stream", "usdm": "wss://fstream.binance.com/ws"}
"""It tells the markets apart by the address; nothing connects."""


opened: list[Any] = []
"""Exchanges, to be closed at the end."""


def started(made: Input) -> tuple[Any, Play]:
    """The client of an exchange whose book stands at the snapshot, and what plays frames into it."""
    exchange = {"spot": ccxt.pro.binance, "usdm": ccxt.pro.binanceusdm}[made.market]()
    opened.append(exchange)
    # What its own loading of markets asks the venue for: margin pairs, which no frame needs.
    exchange.options |= {"crossMarginPairsData": [], "isolatedMarginPairsData": []}
    exchange.set_markets([exchange.parse_market(made.exchange_info["symbols"][0])])
    symbol = exchange.symbols[0]
    body = json.loads(made.snapshot)
    snapshot = exchange.parse_order_book(body, symbol, body.get("T"))
    snapshot["nonce"] = body["lastUpdateId"]
    exchange.orderbooks[symbol] = exchange.order_book({})
    exchange.orderbooks[symbol].reset(snapshot)
    client = exchange.client(URLS[made.market])

    def play(frames: Sequence[str]) -> None:
        handle = client.handle_text_or_binary_message
        for frame in frames:
            handle(frame)

    return client, play


def proof(made: Input, kind: str, frames: Sequence[str]) -> Answer:
    client, play = started(made)
    seen: list[Any] = []
    prefix = {"quotes": "bidask:", "trades": "trade::", "depth": "orderbook::"}[kind]

    def keep(found: Any, name: str) -> None:
        if name.startswith(prefix):
            seen.append(found[-1] if kind == "trades" else found)

    client.resolve = keep
    play(frames)
    price, size = made.price, made.size
    if kind == "depth":
        book = seen[-1]
        sides = [[(price(p), size(s)) for p, s in book[side]] for side in ("bids", "asks")]
        return {"events": len(seen), "book": figures_of_levels(*sides)}
    names = (["bid", "ask"], ["bidVolume", "askVolume"]) if kind == "quotes" else (["price"], ["amount"])
    rows = [([price(one[n]) for n in names[0]], [size(one[n]) for n in names[1]]) for one in seen]
    totals = {"price_sum": sum(sum(row[0]) for row in rows), "size_sum": sum(sum(row[1]) for row in rows)}
    return {"events": len(rows), **totals, "last": [*rows[-1][0], *rows[-1][1]]}


async def main() -> None:
    made, rounds, _ = asked()
    if ws_client.json_parser.__name__ != "orjson":
        raise SystemExit(f"ccxt: expected it to find orjson, was {ws_client.json_parser.__name__}")
    answers = {}
    for kind in KINDS:
        frames = [frame.decode() for _, frame in made.frames[kind]]
        answers[kind] = {**proof(made, kind, frames), "us": best_us(lambda: started(made)[1], frames, rounds)}
    for exchange in opened:
        await exchange.close()
    print(json.dumps(answers))


asyncio.run(main())
