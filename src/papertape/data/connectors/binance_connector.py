"""The front door to one Binance market: streams of judged records and of books, limits, klines.

It holds the ports to the venue; what arrives is decoded, followed and judged by the code beside it, as in `record`.
"""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import msgspec

from papertape.core.errors import ConnectFailed, DecodeError, InputError
from papertape.core.fixed import decimals
from papertape.core.records import RecordBuffer
from papertape.data.connectors.binance_session import BinanceSession, Network
from papertape.data.connectors.record_stream import OrderBookStream, Policy, WebSocketStream
from papertape.data.connectors.stream_intake import StreamIntake
from papertape.data.connectors.weights import MINUTE_NS, SOFT_STOP, WeightGovernor
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.payloads import time_ns
from papertape.data.wire.binance.rules import Rules
from papertape.data.wire.binance.stream_names import with_streams
from papertape.data.wire.binance.value_payloads import KlineEvent
from papertape.data.wire.binance.values_feed import interval_of

DEPTH_STREAM = "depth@100ms"


class RateLimitStatus(msgspec.Struct, frozen=True):
    """The REST weight of this minute, counted by the venue for everything that asks from this machine's address."""

    used: int
    limit: int
    usable: int
    """Weight that may still be used before questions wait: four fifths of the limit, less what is used or reserved."""
    resets_in_s: float
    is_banned: bool
    wait_s: float
    """How long nothing is asked; 0 when it may be."""


class KlineData(msgspec.Struct, frozen=True):
    """One kline; times in ns UTC, prices in the quote asset, volumes as their names say."""

    symbol: str
    interval: str
    open_time_ns: int
    close_time_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    taker_volume: Decimal
    taker_quote_volume: Decimal
    trades: int
    is_closed: bool
    """Whether this is final; the venue repeats a kline until it is."""


class BinanceConnector:
    """One market of Binance; use it as an async context manager, at whose end all its streams end.

    `streams` are those of each symbol that `connect_websocket_stream` brings, by default the market's usual ones, and
    `policy` is what becomes of records that nobody reads in time. `note` is told what happens, for a log.
    """

    def __init__(
        self,
        rules: Rules,
        network: Network,
        now_ns: Callable[[], int],
        note: Callable[..., None] = lambda *_, **__: None,
        streams: Sequence[str] = (),
        policy: Policy = Policy.LOSSLESS,
    ) -> None:
        if policy is Policy.CONFLATE:
            raise InputError("policy: expected lossless or shed_with_count for a stream of records, was conflate")
        self._rules = rules
        self._weights = network.weights or WeightGovernor(None, rules.weight_limit, now_ns)
        self._network = network._replace(weights=self._weights)
        self._now_ns = now_ns
        self._note = note
        self._streamed = with_streams(rules, streams) if streams else rules
        self._policy = policy

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await self._group.__aexit__(None, None, None)

    async def connect_websocket_stream(self, symbols: list[str]) -> WebSocketStream:
        """Connect, and give everything that the streams of these symbols bring, in the order of arrival.

        Begins with an INSTRUMENT event of each. Raises InputError for a symbol that the venue does not have,
        ConnectFailed when it does not say what they are.
        """
        stream = WebSocketStream(self._policy)
        await self._begin(self._streamed, symbols, stream)
        return stream

    async def subscribe_orderbook(self, symbol: str, depth: int) -> OrderBookStream:
        """The best `depth` levels of each side, however deep, each time that the local book has changed. Raises as above."""
        if depth < 1:
            raise InputError(f"depth: expected at least 1 level, was {depth}")
        stream = OrderBookStream(depth)
        await self._begin(with_streams(self._rules, (DEPTH_STREAM,)), [symbol], stream)
        return stream

    async def handle_rate_limits(self) -> RateLimitStatus:
        """What may still be asked over REST. The limits are kept without this; raises StoreError when the count cannot be read."""
        state = await asyncio.to_thread(self._weights.state)
        now_ns = self._now_ns()
        soft = state.limit * SOFT_STOP[0] // SOFT_STOP[1]
        wait_s = max(state.not_before_ns - now_ns, 0) / 1e9
        return RateLimitStatus(
            used=state.used,
            limit=state.limit,
            usable=max(soft - state.used - state.pending, 0),
            resets_in_s=(MINUTE_NS - now_ns % MINUTE_NS) / 1e9,
            is_banned=state.banned and wait_s > 0,
            wait_s=wait_s,
        )

    async def process_kline_data(self, raw_kline: dict[str, Any]) -> KlineData:
        """A kline event of the venue, in its combined frame or bare. Raises DecodeError when it is none."""
        try:
            event = msgspec.convert(raw_kline.get("data", raw_kline), KlineEvent)
            one = event.k
            interval_of(one.i)
            return KlineData(
                symbol=event.s,
                interval=one.i,
                open_time_ns=time_ns(one.t),
                close_time_ns=time_ns(one.T),
                open=_number(one.o),
                high=_number(one.h),
                low=_number(one.l),
                close=_number(one.c),
                volume=_number(one.v),
                quote_volume=_number(one.q),
                taker_volume=_number(one.V),
                taker_quote_volume=_number(one.Q),
                trades=one.n,
                is_closed=one.x,
            )
        except msgspec.ValidationError as error:
            raise DecodeError(f"expected a kline event of the venue, was {str(raw_kline)[:80]}: {error}") from error

    async def _begin(self, rules: Rules, symbols: Sequence[str], stream: WebSocketStream | OrderBookStream) -> None:
        names = tuple(dict.fromkeys(symbol.strip().upper() for symbol in symbols))
        if not names or not all(names):
            raise InputError(f"symbols: expected names such as BTCUSDT, was {symbols!r}")
        machine = BinanceMachine(rules, {name: number for number, name in enumerate(names)}, Gate(RecordBuffer()))
        intake = StreamIntake(machine, self._now_ns, stream.put, self._note)
        session = BinanceSession(machine, intake, self._network, self._now_ns, self._note)
        await session.list_symbols()
        unlisted = [name for name, feed in machine.feeds.items() if feed.instrument is None]
        if unlisted:
            raise ConnectFailed(
                f"{rules.venue} at {self._network.rest_url} does not say what {', '.join(unlisted)} is; "
                "expected an answer of exchangeInfo or depth"
            )
        intake.after_flush = session.look_for_wishes
        intake.flush()

        async def run() -> None:
            try:
                await session.run()
            except ExceptionGroup as error:  # of the session's tasks: whoever reads the stream is told
                stream.end(error)
            finally:
                stream.end(None)

        task = self._group.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        stream.feed(task.cancel)


def _number(text: str) -> Decimal:
    decimals(text)  # refuses what `Decimal` would take beyond plain digits
    return Decimal(text)
