"""Every error papertape raises on purpose, as one tree.

    PapertapeError
    ├── UsageError                  the command line itself is wrong                 exit 2
    ├── InputError                  a file, symbol or value given by the user        exit 3
    │   ├── ConfigError             a configuration key or value
    │   └── DataError               content of a stream, reel or reply
    │       ├── DecodeError         bytes that are not what the protocol says
    │       │   └── FinerThanScale  a number with more decimals than its scale holds
    │       ├── SequenceGap         ids that must follow each other do not
    │       └── UnknownInstrument   a symbol nobody has listed
    ├── VenueError                  the other side of a connection                   exit 4
    │   ├── ConnectFailed           no connection came to be
    │   ├── SessionClosed           a connection ended
    │   ├── RateLimited             the venue asks to wait
    │   ├── MT5Error                a MetaTrader 5 terminal says no
    │   ├── LocalProtocolError      we broke the venue's protocol
    │   └── RemoteProtocolError     the venue broke its own protocol
    ├── StoreError                  files that cannot be written or read             exit 5
    │   ├── TapeCorrupt             a tape that says something else than was written
    │   ├── TapeLocked              another process writes this tape
    │   └── DiskFull                no room left
    └── IntegrityError              an invariant of ours does not hold: always fatal exit 1

Refusals of orders are values with a reason, not errors. Wording: what is wrong,
"expected X, was Y", what to do.
"""


class PapertapeError(Exception):
    """Root of the tree; `exit_code` is what the command line ends with."""

    exit_code = 1


class UsageError(PapertapeError):
    """The command line is wrong."""

    exit_code = 2


class InputError(PapertapeError):
    """Something the user gave cannot be used."""

    exit_code = 3


class ConfigError(InputError):
    """A configuration key is unknown or its value is not allowed."""


class DataError(InputError):
    """The content of a stream, a reel or a reply cannot be used."""


class DecodeError(DataError):
    """Bytes that are not what the protocol says they are."""


class FinerThanScale(DecodeError):
    """A number has more decimals than its scale holds: `decimals` are needed, 18 at most."""

    def __init__(self, message: str, decimals: int) -> None:
        super().__init__(message)
        self.decimals = decimals


class SequenceGap(DataError):
    """Ids that must follow each other do not."""


class UnknownInstrument(DataError):
    """A symbol that has not been listed."""


class VenueError(PapertapeError):
    """The other side of a connection failed us, or we failed it."""

    exit_code = 4


class ConnectFailed(VenueError):
    """No connection came to be. `status` is the HTTP status of a refused handshake, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class SessionClosed(VenueError):
    """A connection that was up has ended."""


class RateLimited(VenueError):
    """The venue asks to wait: `retry_after_s` seconds, when it says so."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class MT5Error(VenueError):
    """A MetaTrader 5 terminal answered a call with nothing: `code` and `text` of its `last_error`, `call` and `symbol` of the question."""

    def __init__(self, code: int, text: str, call: str, symbol: str = "") -> None:
        super().__init__(f"the MetaTrader 5 terminal answered {call}({symbol}) with error {code}: {text}")
        self.code = code
        self.text = text
        self.call = call
        self.symbol = symbol


class LocalProtocolError(VenueError):
    """We broke the venue's protocol."""


class RemoteProtocolError(VenueError):
    """The venue broke its own protocol."""


class StoreError(PapertapeError):
    """A file cannot be written or read."""

    exit_code = 5


class TapeCorrupt(StoreError):
    """A tape does not hold what was written. `seq` and `offset` name the place."""

    def __init__(self, message: str, seq: int, offset: int) -> None:
        super().__init__(message)
        self.seq = seq
        self.offset = offset


class TapeLocked(StoreError):
    """Another process writes this track."""


class DiskFull(StoreError):
    """There is no room left on the device."""


class IntegrityError(PapertapeError):
    """An invariant of papertape does not hold. Always fatal."""
