"""What a connector needs of the network, told without naming a library."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from papertape.core.values import Interval

OnFrame = Callable[[bytes, bool], None]
"""Called with each message and whether it is the last one of what was read at once."""


class Link(Protocol):
    """One WebSocket connection that is up."""

    @property
    def pongs(self) -> int:
        """How many pings were answered."""

    @property
    def round_trip_s(self) -> float | None:
        """Seconds that the latest answer took; None before the first."""

    def send(self, text: bytes) -> None:
        """Send one text frame."""

    def ping(self) -> None:
        """Send a ping frame."""

    def pause(self) -> None:
        """Read no more from the socket; what was read already still comes."""

    def resume(self) -> None:
        """Read again."""

    def close(self) -> None:
        """End the connection without waiting."""

    async def wait_closed(self) -> str:
        """Wait for the end; returns why it came, for the log."""


class Transport(Protocol):
    """Opens WebSocket connections."""

    async def connect(self, url: str, on_frame: OnFrame, silence_s: float) -> Link:
        """Open `url`; a peer that is silent for `silence_s`, pings included, counts as gone.

        Raises ConnectFailed, with the HTTP status when the server refused.
        """


class Answer(NamedTuple):
    """A REST answer: HTTP status, body, seconds to wait and the weight used in this minute when the server says so."""

    status: int
    body: bytes
    retry_after_s: float | None
    used_weight: int | None = None
    asked_ns: int = 0
    answered_ns: int = 0
    """When the question left and the answer was there, where whoever asked notes it."""


class HttpClient(Protocol):
    """Asks REST questions."""

    async def get(self, url: str, query: dict[str, str]) -> Answer:
        """GET `url`. Raises ConnectFailed when no answer comes; any status is an answer."""


class Intake(Protocol):
    """Takes everything that arrives, in order, and stamps it."""

    @property
    def clock_offset_ns(self) -> int | None:
        """How far the venue's clock was found to be ahead of ours, if it was."""

    def frame(self, payload: bytes, is_last: bool) -> None:
        """A frame from a connection."""

    def snapshot(self, symbol: str, body: bytes) -> None:
        """A depth snapshot."""

    def trades(self, symbol: str, body: bytes) -> None:
        """REST trades."""

    def agg_trades(self, symbol: str, body: bytes) -> None:
        """REST aggregates of trades."""

    def klines(self, symbol: str, interval: Interval, body: bytes) -> None:
        """REST klines."""

    def exchange_info(self, body: bytes) -> None:
        """What the venue says its symbols are, asked again."""

    def trades_until(self, symbol: str, trade_id: int) -> None:
        """The venue has prints up to `trade_id`."""

    def clock_offset(self, offset_ns: int, round_trip_ns: int) -> None:
        """The venue's clock is `offset_ns` ahead of ours, by a question that took `round_trip_ns`."""

    def link_up(self, connection: int) -> None:
        """A connection came up."""

    def link_down(self, connection: int, symbols: Sequence[str]) -> None:
        """A connection ended; these symbols' depth events came over it."""
