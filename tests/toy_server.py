"""The server of the toy venue: says the listing and some trades to whoever comes, then what it is told to."""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import picows

from papertape.runtime.venues import load_venue

TOY_FILE = f"{Path(__file__).parents[1] / 'examples' / 'toy_venue.py'}:ToyVenue"
TOY = load_venue(TOY_FILE)


class ToyServer(picows.WSListener):
    """Its market is `ABC` and `DEF`; trades are numbered from 1 on, whoever hears them."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []
        self.links: list[picows.WSTransport] = []
        self.next = 1

    def accept(self, request: picows.WSUpgradeRequest) -> "ToyServer":
        self.paths.append(request.path.decode())
        return self

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.links.append(transport)
        for symbol in ("ABC", "DEF"):
            self.say(type="Listing", symbol=symbol, price_step="0.01", size_step="1")
        self.trades(3)

    def say(self, **fields: object) -> None:
        self.links[-1].send(picows.WSMsgType.TEXT, json.dumps(fields).encode())

    def trades(self, count: int) -> None:
        for _ in range(count):
            self.say(type="Trade", symbol="ABC", n=self.next, price="10.01", size="2", ms=1_700_000_000_000, sold=True)
            self.next += 1


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[tuple[ToyServer, str]]:
    listener = ToyServer()
    server = await picows.ws_create_server(listener.accept, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield listener, f"ws://127.0.0.1:{port}/"
        for link in listener.links:
            link.disconnect(graceful=False)
            await link.wait_disconnected()
