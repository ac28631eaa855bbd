"""The actions that trade on paper: on a live venue, or on a tape that grows."""

from typing import Annotated

import msgspec
from msgspec import Meta

from papertape.core.action_parts import (
    AccountResult,
    Cash,
    LatencyUs,
    Leverage,
    MetricsPort,
    ModelsName,
    Positive,
    RestUrl,
    RunSeed,
    Strategies,
    Symbols,
    WsUrls,
)


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """Trade strategies live on paper: listen to a venue, keep its market on a tape, and the run with it.

    The run is kept when it is stopped, and goes on at the next start of the same command: accounts, orders and what
    strategies remember. Nothing is filled in between. No real order ever leaves papertape.
    """

    venue: Annotated[
        str,
        Meta(
            description="Market to listen to: binance-spot, binance-usdm, or a venue plug-in by name or as file.py:Class."
        ),
    ]
    strategy: Strategies
    symbols: Symbols = []
    cash: Cash = "100000"
    currency: Annotated[
        str | None, Meta(description="Currency of the accounts; by default the one that the symbols are quoted in.")
    ] = None
    leverage: Leverage = 10
    models: ModelsName = None
    seed: RunSeed = 0
    tape: Annotated[
        str | None, Meta(description="Directory of the tape; by default paper/VENUE in papertape's data directory.")
    ] = None
    new: Annotated[bool, Meta(description="Begin a new run, even where one could go on.")] = False
    seconds: Annotated[
        Positive | None, Meta(description="Stop after this many seconds; without it, trade until Ctrl-C or SIGTERM.")
    ] = None
    ws_url: WsUrls = []
    rest_url: RestUrl = None
    metrics: MetricsPort = None


class PaperResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `paper`. Frames, reconnects and latency are those since this start; all else is of the whole run."""

    tape: str
    run: str
    went_on: bool
    """Whether the run was there and went on."""
    connected: bool
    frames: int
    reconnects: int
    market_records: int
    prints: int
    sequence_breaks: int
    book_checks: int
    book_mismatches: int
    orders: int
    fills: int
    accounts: list[AccountResult]
    latency_us: LatencyUs
    state_hash: str


class Serve(msgspec.Struct, frozen=True, kw_only=True):
    """Trade strategies on paper on a tape that another process records: follow it as it grows.

    As `paper`, but the market comes from the tape of `papertape record`, which may start and stop by itself.
    """

    tape: Annotated[str, Meta(description="Directory of the tape to follow.")]
    strategy: Strategies
    cash: Cash = "100000"
    currency: Annotated[
        str | None, Meta(description="Currency of the accounts; by default the quote of the first instrument.")
    ] = None
    leverage: Leverage = 10
    models: ModelsName = None
    seed: RunSeed = 0
    new: Annotated[bool, Meta(description="Begin a new run, even where one could go on.")] = False
    seconds: Annotated[
        Positive | None, Meta(description="Stop after this many seconds; without it, trade until Ctrl-C or SIGTERM.")
    ] = None


class ServeResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `serve`."""

    run: str
    went_on: bool
    """Whether the run was there and went on."""
    lag_records: int
    """Records on the tape that had not been taken at the end."""
    market_records: int
    prints: int
    orders: int
    fills: int
    accounts: list[AccountResult]
    state_hash: str
