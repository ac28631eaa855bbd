"""How a server is asked for streams, told without naming a venue."""

from collections.abc import Sequence
from typing import Protocol


class Dialect(Protocol):
    """How a venue is asked for streams."""

    @property
    def farewell(self) -> bytes:
        """The stream under which the venue tells that it is about to end a connection; something that is no stream when it has none."""

    @property
    def requests_per_s(self) -> float:
        """Requests that one connection may send."""

    @property
    def streams_max(self) -> int:
        """Streams that one connection may carry."""

    def paths(self, route: str, streams: Sequence[str]) -> tuple[list[str], int]:
        """Paths to connect to, each for where the one before is unknown, and how many of `streams` they subscribe to."""

    def subscribe(self, streams: Sequence[str]) -> list[bytes]:
        """Requests for `streams`."""

    def unsubscribe(self, streams: Sequence[str]) -> list[bytes]:
        """Requests that end `streams`."""


class PlainDialect:
    """A server whose URL says everything: nothing is added to it, and nothing sent."""

    farewell = b"no farewell"
    requests_per_s = 4.0
    streams_max = 1

    def paths(self, route: str, streams: Sequence[str]) -> tuple[list[str], int]:
        """The URL itself."""
        return [""], len(streams)

    def subscribe(self, streams: Sequence[str]) -> list[bytes]:
        """Nothing can be asked for."""
        return []

    def unsubscribe(self, streams: Sequence[str]) -> list[bytes]:
        """Nothing can be ended."""
        return []
