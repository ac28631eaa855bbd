"""What can be broken, as typed tables: one kind of fault each, in a TOML file or as JSON over the control endpoint.

A kind or key that nobody knows is an error with its place. Times are seconds of the market since its opening.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from papertape.core.errors import InputError

Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Milliseconds = Annotated[int, Meta(ge=0, le=3_600_000)]
Share = Annotated[float, Meta(gt=0, le=1)]
FAULTS_MAX = 10_000
"""Faults that a file, or one box in all, may hold."""


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag=_snake):
    """What every fault has: when it begins. Without `at_s` that is the opening (file) or at once (control endpoint)."""

    at_s: Seconds | None = None

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return str(self.__struct_config__.tag)

    @property
    def length_s(self) -> float | None:
        """How long it lasts; 0 for one that is over at once, None for one without an end."""
        return 0


class Lasting(Fault, frozen=True, kw_only=True):
    """A state of some length; without `lasts_s` it has no end."""

    lasts_s: Seconds | None = None

    @property
    def length_s(self) -> float | None:
        """As `Fault.length_s`."""
        return self.lasts_s


class OnFrames(Lasting, frozen=True, kw_only=True):
    """A state of the frames of one symbol or all, on one connection or all; `share` of them are hit."""

    symbol: str | None = None
    connection: Annotated[int, Meta(ge=1)] | None = None
    share: Share = 1.0


class OnRest(Lasting, frozen=True, kw_only=True):
    """A state of one REST route (such as `depth`) or all."""

    route: str | None = None


class Drop(Fault, frozen=True, kw_only=True):
    """Connections end: with a close frame, without one (`cut`), or with a TCP reset."""

    connection: Annotated[int, Meta(ge=1)] | None = None
    how: Literal["close", "cut", "reset"] = "cut"
    code: Annotated[int, Meta(ge=1000, le=4999)] = 1001
    reason: Annotated[str, Meta(max_length=100)] = ""


class Rotation(Fault, frozen=True, kw_only=True):
    """What comes after 24 hours comes now: closed with 1001."""

    connection: Annotated[int, Meta(ge=1)] | None = None


class ServerShutdown(Fault, frozen=True, kw_only=True):
    """The `serverShutdown` notice, and after `lead_s` the end of the connections that got it."""

    connection: Annotated[int, Meta(ge=1)] | None = None
    lead_s: Seconds = 0

    @property
    def length_s(self) -> float | None:
        """As `Fault.length_s`."""
        return self.lead_s


class GiantFrame(Fault, frozen=True, kw_only=True):
    """One frame of JSON with this many bytes."""

    connection: Annotated[int, Meta(ge=1)] | None = None
    size_bytes: Annotated[int, Meta(ge=64, le=64 << 20)] = 4 << 20


class PingTimeout(Lasting, frozen=True, kw_only=True):
    """Neither pings nor pongs of the venue come, then the connections are closed with 1008 "Pong timeout"."""

    connection: Annotated[int, Meta(ge=1)] | None = None
    lasts_s: Seconds | None = 0


class HalfOpen(Lasting, frozen=True, kw_only=True):
    """Nothing is sent and nothing read, TCP stays; at the end the connections are reset. New ones are hit too."""

    connection: Annotated[int, Meta(ge=1)] | None = None


class SlowReader(Lasting, frozen=True, kw_only=True):
    """The box takes one frame of a client each `delay_ms`."""

    connection: Annotated[int, Meta(ge=1)] | None = None
    delay_ms: Milliseconds = 1000


class Delay(OnFrames, frozen=True, kw_only=True):
    """Frames leave `delay_ms` of real time later, in their order."""

    delay_ms: Milliseconds


class Jitter(OnFrames, frozen=True, kw_only=True):
    """Frames leave up to `jitter_ms` of real time later, in their order."""

    jitter_ms: Milliseconds


class Duplicate(OnFrames, frozen=True, kw_only=True):
    """Frames come twice."""


class Reorder(OnFrames, frozen=True, kw_only=True):
    """Frames come after the next one of their connection."""


class Gap(OnFrames, frozen=True, kw_only=True):
    """Frames are lost."""


class Garbage(OnFrames, frozen=True, kw_only=True):
    """Frames are cut in half: no JSON any more."""


class Crossed(OnFrames, frozen=True, kw_only=True):
    """Bids and asks of best prices and depth change places."""


class Fragments(OnFrames, frozen=True, kw_only=True):
    """Frames come in WebSocket fragments of `size_bytes`."""

    size_bytes: Annotated[int, Meta(ge=1, le=1 << 20)] = 16


class ExtraKeys(OnFrames, frozen=True, kw_only=True):
    """Frames have keys more than the documents name."""


class KlineFinal(Lasting, frozen=True, kw_only=True):
    """The closing message of a bar is left out (`times` 0) or repeated."""

    symbol: str | None = None
    times: Annotated[int, Meta(ge=0, le=10)] = 0


class RateLimit(OnRest, frozen=True, kw_only=True):
    """REST answers 429 with `Retry-After`."""

    retry_after_s: Annotated[int, Meta(ge=0, le=86_400)] = 1


class Ban(Lasting, frozen=True, kw_only=True):
    """REST and handshakes answer 418 and name the time until which the address is banned."""


class Restricted(Lasting, frozen=True, kw_only=True):
    """REST and handshakes answer 451."""


class ServerError(OnRest, frozen=True, kw_only=True):
    """REST answers with this status."""

    status: Annotated[int, Meta(ge=500, le=599)] = 503


class Timeout(OnRest, frozen=True, kw_only=True):
    """REST answers only after `wait_ms` of real time, with code -1007."""

    wait_ms: Milliseconds = 10_000


class StaleSnapshot(Lasting, frozen=True, kw_only=True):
    """REST `depth` answers with the book as it was when the fault began."""

    symbol: str | None = None


class ClockJump(Lasting, frozen=True, kw_only=True):
    """The venue's clock, as `time` tells it, is off by `jump_ms`."""

    jump_ms: Annotated[int, Meta(ge=-86_400_000, le=86_400_000)]


class Maintenance(Lasting, frozen=True, kw_only=True):
    """All connections are closed with 1001; REST and handshakes answer 503."""


AnyFault = (
    Drop
    | Rotation
    | ServerShutdown
    | GiantFrame
    | PingTimeout
    | HalfOpen
    | SlowReader
    | Delay
    | Jitter
    | Duplicate
    | Reorder
    | Gap
    | Garbage
    | Crossed
    | Fragments
    | ExtraKeys
    | KlineFinal
    | RateLimit
    | Ban
    | Restricted
    | ServerError
    | Timeout
    | StaleSnapshot
    | ClockJump
    | Maintenance
)


class FaultPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A timeline of faults. `seed` decides which frames a share below 1 hits, and how long a jitter is."""

    seed: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)] = 0
    fault: Annotated[tuple[AnyFault, ...], Meta(max_length=FAULTS_MAX)] = ()


def load_faults(file: str | Path) -> FaultPlan:
    """The faults of a TOML file. Raises InputError with the file, the place and what was expected."""
    try:
        tables = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is no TOML: {error}") from error
    plan: FaultPlan = _converted(tables, FaultPlan, str(file))
    return plan


def faults_of(request: Any) -> tuple[AnyFault, ...]:
    """The faults of a JSON request: one object, or a list of them. Raises InputError as `load_faults`."""
    items: Iterable[Any] = request if isinstance(request, list) else [request]
    return tuple(_converted(item, AnyFault, "request") for item in items)


def _converted(data: Any, kind: Any, place: str) -> Any:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{place}: {error}; the reference of the faults file lists kinds and keys") from error
