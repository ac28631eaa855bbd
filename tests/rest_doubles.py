"""A venue's REST server and an intake, as ports: what the tests of the asking side share."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from papertape.core.values import Interval
from papertape.data.connectors.binance_rest import BinanceRest
from papertape.data.connectors.ports import Answer
from papertape.data.connectors.weights import WeightGovernor
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT

DEPTH = b'{"lastUpdateId":10,"bids":[["10.50","1.000"]],"asks":[["10.60","2"]]}'


class RestServer:
    """Answers by route, 404 where it knows none, and notes what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[dict[str, str]], Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def get(self, url: str, query: dict[str, str]) -> Answer:
        route = url.rpartition("/")[2]
        self.asked.append((route, query))
        answer = self.answers.get(route)
        return answer(query) if answer else Answer(404, b"{}", None)

    @property
    def routes(self) -> list[str]:
        return [route for route, _ in self.asked]

    def rest(self, now_ns: Callable[[], int] = lambda: 1) -> BinanceRest:
        return BinanceRest(self, ["http://venue"], SPOT, WeightGovernor(None, 6000, now_ns))


class Taken:
    """An intake that hands everything to the machine."""

    def __init__(self, machine: BinanceMachine) -> None:
        self._machine = machine
        self.offsets: list[tuple[int, int]] = []

    def frame(self, payload: bytes, is_last: bool) -> None:
        self._machine.take(1, payload)

    def snapshot(self, symbol: str, body: bytes) -> None:
        self._machine.take_snapshot(1, symbol, body)

    def trades(self, symbol: str, body: bytes) -> None:
        self._machine.take_trades(1, symbol, body)

    def agg_trades(self, symbol: str, body: bytes) -> None:
        self._machine.take_agg_trades(1, symbol, body)

    def klines(self, symbol: str, interval: Interval, body: bytes) -> None:
        self._machine.take_klines(1, symbol, interval, body)

    def exchange_info(self, body: bytes) -> None:
        self._machine.relist_from_exchange_info(1, body)

    def trades_until(self, symbol: str, trade_id: int) -> None:
        self._machine.expect_trades(1, symbol, trade_id)

    def clock_offset(self, offset_ns: int, round_trip_ns: int) -> None:
        self.offsets.append((offset_ns, round_trip_ns))

    def link_up(self, connection: int) -> None: ...

    def link_down(self, connection: int, symbols: Sequence[str]) -> None:
        self._machine.lose(1, symbols)


class Notes:
    """What was noted for the log."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, event: str, **facts: object) -> None:
        self.texts.append(event)


def rows(*numbers: int) -> Answer:
    """REST trades with these ids."""
    made = [{"id": n, "price": "10.50", "qty": "1", "time": 1, "isBuyerMaker": True} for n in numbers]
    return Answer(200, msgspec.json.encode(made), None)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds; fails after a while."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)
