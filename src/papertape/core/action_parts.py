"""What the actions of the table are made of, and what several of their requests and answers share."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

VenueName = Literal["binance-spot", "binance-usdm"]
Positive = Annotated[float, Meta(gt=0)]
Seed = Annotated[int, Meta(ge=0)]

Symbols = Annotated[
    list[str],
    Meta(description="Symbols, separated by commas, such as BTCUSDT,ETHUSDT; by default those of the configuration."),
]
WsUrls = Annotated[
    list[str],
    Meta(
        description="WebSocket base, such as ws://127.0.0.1:9870, instead of the venue's own; of several, separated by "
        "commas, later ones stand in for earlier ones that fail."
    ),
]
RestUrl = Annotated[
    str | None, Meta(description="REST base, such as http://127.0.0.1:9870, instead of the venue's own.")
]
MetricsPort = Annotated[
    Annotated[int, Meta(ge=0, le=65535)] | None,
    Meta(description="Port on 127.0.0.1 to serve /metrics on, for Prometheus; 0 takes a free one; without it, none."),
]
Strategies = Annotated[
    list[str],
    Meta(description="Strategy to trade, as module:Class or file.py:Class; each trades in an account of its own."),
]
Cash = Annotated[str, Meta(description="Money that each account begins with.")]
Leverage = Annotated[int, Meta(description="Leverage of perpetual positions.", ge=1, le=125)]
ModelsName = Annotated[
    str | None,
    Meta(description="Fees and latencies: a TOML file, or the name of a preset such as hftbacktest-riskadverse."),
]
RunSeed = Annotated[int, Meta(description="Seed of what chance decides in the run.", ge=0)]


def argument(description: str) -> Meta:
    """The description of a field that is an argument of the command line, not an option."""
    return Meta(description=description, extra_json_schema={"positional": True})


class Action(msgspec.Struct, frozen=True):
    """One thing that can be asked for. `name` holds a blank where the command has two words."""

    name: str
    request: type[msgspec.Struct]
    response: type[msgspec.Struct]

    @property
    def summary(self) -> str:
        """First paragraph of the request's docstring."""
        return (self.request.__doc__ or "").strip().partition("\n\n")[0]


class AccountResult(msgspec.Struct, frozen=True, kw_only=True):
    """How an account of a run ended; money is decimal text in the account's currency."""

    id: str
    equity: str
    cash: str
    realised: str
    fees: str
    fills: int
    stopped: str | None
    """Why its strategy was stopped, if it was."""


class LatencyUs(msgspec.Struct, frozen=True, kw_only=True):
    """From a frame's arrival to its records being written, in microseconds; None before the first frame."""

    p50: int | None
    p99: int | None
