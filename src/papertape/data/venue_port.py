"""The port of a venue plug-in: how its server is reached, and the machine that makes records of its frames.

A plug-in is a class with these attributes and methods, named by an entry point of the group `papertape.venues`.
Whoever writes one holds its machine against `papertape.testing.conformance`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from papertape.data.quality.gate import Gate


class VenueMachine(Protocol):
    """Frames in, judged records out, without I/O. Records go into the buffer of the gate that it was made with."""

    def take(self, ts_recv_ns: int, payload: bytes) -> None:
        """Take one frame that arrived at `ts_recv_ns`.

        Raises DecodeError when it cannot be read, and leaves no trace then. An INSTRUMENT event comes before the first
        data of a symbol; what is known to be missing is a GAP; a print that came before carries the verdict DUPLICATE.
        """

    def lose(self, ts_recv_ns: int, symbols: Sequence[str]) -> None:
        """The connection that brought these symbols is lost: books are not known any more, which is a GAP."""

    def note_unreadable(self, ts_recv_ns: int, payload: bytes) -> None:
        """A frame raised DecodeError: a GAP of the cause UNREADABLE_FRAME stands in its place."""


class Venue(Protocol):
    """A venue that is heard over one WebSocket connection."""

    name: str
    """The venue's name in the instruments, such as `binance-spot`."""
    url: str
    """WebSocket base of the venue."""

    def machine(self, numbers: Mapping[str, int], gate: Gate) -> VenueMachine:
        """A machine for these symbols; `numbers` are theirs on the tape."""

    def target(self, symbols: Sequence[str]) -> str:
        """What follows the base to hear these symbols: path and query, or nothing."""

    def requests(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Text frames to send once the connection is up, to subscribe; none where the target has said it."""
