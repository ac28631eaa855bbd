"""The actions that trade on paper: on a live venue, or on a tape that grows."""

from typing import Annotated

import msgspec
from msgspec import Meta

from papertape.core.action_parts import AccountResult, LatencyUs, Positive, VenueName


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """Trade strategies live on paper: listen to a venue, keep its market on a tape, and the run with it.

    The run is kept when it is stopped, and goes on at the next start of the same command: accounts, orders and what
    strategies remember. Nothing is filled in between. No real order ever leaves papertape.
    """

    venue: Annotated[VenueName, Meta(description="Market to listen to.")]
    strategy: Annotated[
        list[str],
        Meta(description="Strategy to trade, as module:Class or file.py:Class; each trades in an account of its own."),
    ]
    symbols: Annotated[
        list[str],
        Meta(
            description="Symbols, separated by commas, such as BTCUSDT,ETHUSDT; by default those of the configuration."
        ),
    ] = []
    cash: Annotated[str, Meta(description="Money that each account begins with.")] = "100000"
    currency: Annotated[
        str | None, Meta(description="Currency of the accounts; by default the one that the symbols are quoted in.")
    ] = None
    leverage: Annotated[int, Meta(description="Leverage of perpetual positions.", ge=1, le=125)] = 10
    models: Annotated[
        str | None,
        Meta(description="Fees and latencies: a TOML file, or the name of a preset."),
    ] = None
    seed: Annotated[int, Meta(description="Seed of what chance decides in the run.", ge=0)] = 0
    tape: Annotated[
        str | None, Meta(description="Directory of the tape; by default paper/VENUE in papertape's data directory.")
    ] = None
    new: Annotated[bool, Meta(description="Begin a new run, even where one could go on.")] = False
    seconds: Annotated[
        Positive | None, Meta(description="Stop after this many seconds; without it, trade until Ctrl-C or SIGTERM.")
    ] = None
    ws_url: Annotated[
        list[str],
        Meta(
            description="WebSocket base, such as ws://127.0.0.1:9870, instead of the venue's own; of several, separated by commas, later ones stand in for earlier ones that fail."
        ),
    ] = []
    rest_url: Annotated[
        str | None, Meta(description="REST base, such as http://127.0.0.1:9870, instead of the venue's own.")
    ] = None


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
    strategy: Annotated[
        list[str],
        Meta(description="Strategy to trade, as module:Class or file.py:Class; each trades in an account of its own."),
    ]
    cash: Annotated[str, Meta(description="Money that each account begins with.")] = "100000"
    currency: Annotated[
        str | None, Meta(description="Currency of the accounts; by default the quote of the first instrument.")
    ] = None
    leverage: Annotated[int, Meta(description="Leverage of perpetual positions.", ge=1, le=125)] = 10
    models: Annotated[
        str | None,
        Meta(description="Fees and latencies: a TOML file, or the name of a preset."),
    ] = None
    seed: Annotated[int, Meta(description="Seed of what chance decides in the run.", ge=0)] = 0
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
