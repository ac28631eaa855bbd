"""How a Binance market is asked for streams: in the URL of a connection, and in frames afterwards."""

from collections.abc import Sequence

from papertape.data.wire.binance.control import NAMES_PER_FRAME_MAX, Control
from papertape.data.wire.binance.rules import Rules

URL_BYTES_MAX = 4_000
SHUTDOWN_STREAM = b"!serverShutdown"
"""The stream name under which a server tells of its end on a combined connection."""


class BinanceDialect:
    """Subscriptions of one market; `control` numbers the requests and takes the replies."""

    farewell = SHUTDOWN_STREAM

    def __init__(self, rules: Rules, control: Control, time_unit: str = "") -> None:
        self._control = control
        self._unit = f"&timeUnit={time_unit}" if time_unit else ""
        self.requests_per_s = rules.control_messages_per_s
        self.streams_max = rules.streams_per_connection

    def paths(self, route: str, streams: Sequence[str]) -> tuple[list[str], int]:
        """Paths to connect to, the next where a server does not know the one before, and how many streams they subscribe to.

        USD-M's routes stand before the path; servers that know none of them are asked without.
        """
        count = min(len(streams), NAMES_PER_FRAME_MAX)
        while len("/".join(streams[:count])) > URL_BYTES_MAX:
            count //= 2
        query = f"/stream?streams={'/'.join(streams[:count])}{self._unit}"
        return ([route + query, query] if route else [query]), count

    def subscribe(self, streams: Sequence[str]) -> list[bytes]:
        """The frames that subscribe to `streams`."""
        return self._control.subscribe(streams)

    def unsubscribe(self, streams: Sequence[str]) -> list[bytes]:
        """The frames that end `streams`."""
        return self._control.unsubscribe(streams)

    def base(self, url: str) -> str:
        """A base URL as users may give it, without the path that is added here."""
        return url.rstrip("/").removesuffix("/stream").removesuffix("/ws")
