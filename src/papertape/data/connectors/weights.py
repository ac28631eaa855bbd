"""One budget of REST weight for everything on this machine that asks a venue.

The venue counts by IP address and minute, so the count lies in a small file that all processes share, behind a
lock. Weight is reserved before a question; the used weight that comes with each answer is the truth. A ban is
in the file as well, and so outlives the process that earned it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock

from papertape.core.errors import StoreError

MINUTE_NS = 60_000_000_000
SOFT_STOP = (4, 5)
"""Share of the limit that is used; what else lives behind our address has the rest."""
BAN_UNSAID_NS = 2 * MINUTE_NS
"""The shortest ban, for one that does not say how long it is."""
BAN_MAX_NS = 3 * 24 * 60 * MINUTE_NS
"""The longest one; what tells of more is not believed beyond."""
LOCK_PATIENCE_S = 5.0


class Weights(msgspec.Struct, kw_only=True):
    """What is known of one budget. `used` is of `minute`; `pending` is reserved in it and not answered yet."""

    minute: int = 0
    used: int = 0
    pending: int = 0
    limit: int = 0
    not_before_ns: int = 0
    """Nothing is asked before."""
    banned: bool = False


class Reservation(msgspec.Struct, frozen=True):
    """Weight that was reserved; or, if `wait_ns` is not 0, none was, and it is worth trying again after that."""

    minute: int
    weight: int
    wait_ns: int


class WeightGovernor:
    """The budget of one venue, by wall clock; `limit` is weight a minute until the venue says otherwise.

    Without a `file` the budget is this process's own. The methods block for as long as others hold the lock, at
    most `LOCK_PATIENCE_S`, and raise StoreError when the file cannot be used.
    """

    def __init__(self, file: Path | None, limit: int, now_ns: Callable[[], int]) -> None:
        self._file = file
        self._limit = limit
        self.now_ns = now_ns
        self._own = Weights(limit=limit)
        self._lock: AbstractContextManager[object] = threading.Lock()
        if file is not None:
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _unusable(file, error) from error
            self._lock = FileLock(f"{file}.lock", timeout=LOCK_PATIENCE_S)

    @property
    def is_shared(self) -> bool:
        """Whether other processes count here, too; only then a method may wait for the lock."""
        return self._file is not None

    def reserve(self, weight: int) -> Reservation:
        """Reserve `weight` in this minute, or say how long to wait."""
        with self._held() as state:
            now_ns = self.now_ns()
            if now_ns < state.not_before_ns:
                return Reservation(state.minute, 0, state.not_before_ns - now_ns)
            state.banned = False
            room = state.limit * SOFT_STOP[0] // SOFT_STOP[1] - state.used - state.pending
            if weight > room and state.used + state.pending > 0:
                return Reservation(state.minute, 0, (state.minute + 1) * MINUTE_NS - now_ns)
            state.pending += weight
            return Reservation(state.minute, weight, 0)

    def answered(self, reserved: Reservation, used: int | None) -> None:
        """A question is over; `used` is the venue's count of this minute, None where no answer came, which counts in full."""
        with self._held() as state:
            if reserved.minute != state.minute:
                return  # its count may be of the minute before
            state.pending = max(state.pending - reserved.weight, 0)
            state.used = state.used + reserved.weight if used is None else max(state.used, used)

    def refused(self, is_ban: bool, wait_s: float | None, until_ms: int | None) -> float:
        """The venue asks to wait (429) or bans (418), for `wait_s` or until `until_ms` if it said so.

        Returns how long nobody asks, in seconds. Unsaid, a refusal lasts until the minute ends and a ban for
        `BAN_UNSAID_NS`; nothing lasts longer than `BAN_MAX_NS`.
        """
        with self._held() as state:
            now_ns = self.now_ns()
            if wait_s is not None:
                until_ns = now_ns + int(wait_s * 1e9)
            elif until_ms is not None:
                until_ns = until_ms * 1_000_000
            else:
                until_ns = now_ns + BAN_UNSAID_NS if is_ban else (state.minute + 1) * MINUTE_NS
            state.not_before_ns = max(state.not_before_ns, min(until_ns, now_ns + BAN_MAX_NS))
            state.banned = state.banned or is_ban
            return (state.not_before_ns - now_ns) / 1e9

    def set_limit(self, limit: int) -> None:
        """The venue says what its limit is."""
        with self._held() as state:
            state.limit = limit

    def state(self) -> Weights:
        """What is known now."""
        with self._held() as state:
            return msgspec.structs.replace(state)

    @contextmanager
    def _held(self) -> Iterator[Weights]:
        """The state of this minute under its lock; kept at the end."""
        try:
            with self._lock:
                state = self._own if self._file is None else _read(self._file)
                minute = self.now_ns() // MINUTE_NS
                if state.minute != minute:
                    state.minute, state.used, state.pending = minute, 0, 0
                state.limit = state.limit or self._limit
                yield state
                if self._file is not None:
                    part = self._file.with_name(f"{self._file.name}.part")
                    part.write_bytes(msgspec.json.encode(state))
                    part.replace(self._file)
        except OSError as error:  # the lock's Timeout is one
            raise _unusable(self._file, error) from error


def _read(file: Path) -> Weights:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Weights)
    except FileNotFoundError:
        return Weights()
    except msgspec.MsgspecError as error:
        raise StoreError(f"{file} holds no weights: {error}; remove it, and the count begins anew") from error


def _unusable(file: Path | None, error: OSError) -> StoreError:
    return StoreError(f"{file} cannot be used: {error}; name another data directory with PAPERTAPE_HOME")
