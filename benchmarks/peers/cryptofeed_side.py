"""cryptofeed's side of record.py, run by the Python of .bench-peers: `cryptofeed_side.py PORT FRAMES`.

Its own Binance feed, WebSocket client, decoder and event loop (uvloop); the callbacks only count.
"""

import asyncio
import json
import sys
import time
from typing import Any, ClassVar

import cryptofeed.connection
from cryptofeed import FeedHandler
from cryptofeed.connection import RestEndpoint, Routes, WebsocketEndpoint
from cryptofeed.defines import TICKER, TRADES
from cryptofeed.exchanges import Binance

PORT, FRAMES = int(sys.argv[1]), int(sys.argv[2])
secure_connect = cryptofeed.connection.connect


def connect(address: str, **options: Any) -> Any:
    """Connect without TLS, although cryptofeed insists on wss://: nothing is encrypted on either side of this measurement."""
    count.start()
    return secure_connect(address.replace("wss://", "ws://", 1), **options)


class Local(Binance):
    """The feed, pointed at the sender."""

    websocket_endpoints: ClassVar = [WebsocketEndpoint(f"wss://127.0.0.1:{PORT}")]
    rest_endpoints: ClassVar = [RestEndpoint(f"http://127.0.0.1:{PORT}", routes=Routes("/api/v3/exchangeInfo"))]


class Count:
    """Counts what the callbacks get, and measures from the connection to the last of them.

    Not from the first: by then the WebSocket client has read any number of frames into its unbounded queue.
    """

    def __init__(self) -> None:
        self.seen = dict.fromkeys((TRADES, TICKER), 0)
        self.wall_ns = self.cpu_ns = self.connections = 0

    def start(self) -> None:
        self.connections += 1
        self.wall_ns, self.cpu_ns = time.perf_counter_ns(), time.process_time_ns()

    async def trade(self, *_: object) -> None:
        self.take(TRADES)

    async def ticker(self, *_: object) -> None:
        self.take(TICKER)

    def take(self, channel: str) -> None:
        self.seen[channel] += 1
        if sum(self.seen.values()) == FRAMES:
            self.wall_ns = time.perf_counter_ns() - self.wall_ns
            self.cpu_ns = time.process_time_ns() - self.cpu_ns
            asyncio.get_running_loop().stop()


count = Count()


def main() -> None:
    cryptofeed.connection.connect = connect
    handler = FeedHandler(config={"uvloop": True, "log": {"disabled": True}})
    callbacks = {TRADES: count.trade, TICKER: count.ticker}
    handler.add_feed(Local(symbols=["ETH-USDT"], channels=[TRADES, TICKER], callbacks=callbacks))
    # The handler expects a loop to be there; its configuration has made that uvloop's.
    asyncio.set_event_loop(asyncio.new_event_loop())
    handler.run(install_signal_handlers=False)
    if count.connections != 1:
        raise SystemExit(f"cryptofeed: expected one connection, was {count.connections}")
    seen = {"quotes": count.seen[TICKER], "trades": count.seen[TRADES]}
    print(json.dumps({**seen, "wall_ns": count.wall_ns, "cpu_ns": count.cpu_ns}))


main()
