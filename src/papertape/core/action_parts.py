"""What the actions of the table are made of, and what several of their requests and answers share."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

VenueName = Literal["binance-spot", "binance-usdm"]
Positive = Annotated[float, Meta(gt=0)]
Seed = Annotated[int, Meta(ge=0)]


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
