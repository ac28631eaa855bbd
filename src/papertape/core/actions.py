"""The table of actions: what a person, a program or an agent can ask of papertape.

Each action is declared once, by name, request and response; the command line, HTTP and MCP are
skins over this table, and `runtime` binds the handlers. A field's `description` is its help
everywhere; `extra_json_schema={"positional": True}` makes it an argument of the command line.
Prices and sizes in responses are decimal text; what is not defined is None.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from papertape.core.action_parts import (
    AccountResult,
    Action,
    Cash,
    LatencyUs,
    Leverage,
    MetricsPort,
    ModelsName,
    Positive,
    RestUrl,
    RunSeed,
    Seed,
    Strategies,
    Symbols,
    VenueName,
    WsUrls,
    argument,
)
from papertape.core.mt5_actions import Mt5Gateway, Mt5GatewayResult
from papertape.core.source_actions import (
    Backups,
    FollowedSymbol,
    RecordedSource,
    RecordedVenue,
    Sources,
    SymbolsSearch,
    SymbolsSearchResult,
)
from papertape.core.trading_actions import Paper, PaperResult, Serve, ServeResult


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """Say which papertape this is, and on what it runs."""


class VersionResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `version`."""

    papertape: str
    python: str
    platform: str
    layout_version: int
    """Version of the record layout that new tapes are written in."""


class Init(msgspec.Struct, frozen=True, kw_only=True):
    """Write a commented configuration file and a strategy to start from."""

    directory: Annotated[str, argument("Folder to write papertape.toml and strategy.py into.")] = "."


class InitResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `init`."""

    config: str
    strategy: str
    data_directory: str


class ConfigCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Check a configuration file: every key known, every value allowed."""

    file: Annotated[
        str | None, argument("The file; by default papertape.toml of the working folder, else of the data directory.")
    ] = None


class ConfigCheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `config check`."""

    file: str | None
    ok: bool


class ConfigShow(msgspec.Struct, frozen=True, kw_only=True):
    """Show the configuration in force, defaults included."""

    file: Annotated[
        str | None, argument("The file; by default papertape.toml of the working folder, else of the data directory.")
    ] = None


class ConfigShowResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `config show`."""

    file: str | None
    data_directory: str
    config: dict[str, Any]


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Apply a tape, a run or reels again: count and check what is in them, and trade strategies or orders on them.

    A tape alone, or reels, are counted and their books checked against the venue's best prices. With --strategy or
    --orders they are traded on paper. A run (TAPE/runs/0001) is applied again from its recorded commands and must
    come to the same facts and state; with --rerun its strategies are called again and must send the same commands.
    """

    tape: Annotated[str | None, argument("Directory of the tape, or of one of its runs, to replay.")] = None
    reel: Annotated[
        list[str], Meta(description="Reel file to replay instead of a tape; several are one stream, in this order.")
    ] = []
    venue: Annotated[VenueName | None, Meta(description="Market that the reels were recorded from.")] = None
    symbol: Annotated[str | None, Meta(description="Symbol that the reels hold, such as ETHUSDT.")] = None
    strategy: Strategies = []
    cash: Cash = "100000"
    leverage: Leverage = 10
    orders: Annotated[
        str | None, Meta(description="CSV file of orders to send, without code; their accounts are made as named.")
    ] = None
    fills: Annotated[str | None, Meta(description="CSV file to write what became of --orders to.")] = None
    models: ModelsName = None
    seed: RunSeed = 0
    save: Annotated[bool, Meta(description="Keep the run on the tape.")] = False
    rerun: Annotated[bool, Meta(description="Call the strategies of the run again and compare their commands.")] = False


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `replay`."""

    market_records: int
    prints: int
    synced: bool
    book_checks: int
    book_mismatches: int
    ignored: int
    sequence_breaks: int
    crossed: int
    verdicts: dict[str, int]
    orders: int
    fills: int
    accounts: list[AccountResult]
    run: str | None
    """Id of the run that was saved or replayed."""
    difference: str | None
    """The first fact or command that came out differently."""
    state_hash: str
    elapsed_s: float


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Listen to a venue and write its market onto a tape."""

    tape: Annotated[str, Meta(description="Directory of the tape; made when it does not exist, else continued.")]
    venue: RecordedVenue = None
    source: Sources = []
    backup: Backups = []
    symbols: Symbols = []
    gateway: Annotated[
        str | None,
        Meta(
            description="With --venue mt5: gateway of the terminal, such as ws://127.0.0.1:9871/mt5; without, the terminal on this computer."
        ),
    ] = None
    token_file: Annotated[str | None, Meta(description="With --gateway: file with the gateway's token.")] = None
    streams: Annotated[
        list[str],
        Meta(
            description="Streams of each symbol, separated by commas, such as trade,depth@100ms,kline_1m,markPrice@1s; "
            "by default trades, best prices and depth."
        ),
    ] = []
    seconds: Annotated[
        Positive | None, Meta(description="Stop after this many seconds; without it, record until Ctrl-C or SIGTERM.")
    ] = None
    ws_url: WsUrls = []
    rest_url: RestUrl = None
    reel_out: Annotated[
        str | None, Meta(description="Folder to keep the raw frames in as well: a reel per symbol and UTC day.")
    ] = None
    metrics: MetricsPort = None


class RecordedSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded of one symbol. Ids are trade ids; `bid`, `ask` and `update_id` the last synchronised book's."""

    symbol: str
    prints: int
    first_trade_id: int | None
    last_trade_id: int | None
    missing: int
    duplicates: int
    bid: str | None
    ask: str | None
    update_id: int | None


class RecordedLink(msgspec.Struct, frozen=True, kw_only=True):
    """One connection at the end of the recording. What was never known is None."""

    number: int
    endpoint: str
    route: str
    streams: int
    state: str
    age_s: float | None
    silence_s: float | None
    rtt_ms: float | None
    messages: int
    messages_per_s: float
    reconnects: int
    stale_streams: list[str]


class RecordResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `record`."""

    frames: int
    market_records: int
    resyncs: int
    sequence_breaks: int
    reconnects: int
    """Connections that came up again after they were lost."""
    rotations: int
    """Connections replaced, with an overlap, before they ended."""
    failovers: int
    """Connections that came up on another server than the one before."""
    connection_attempts: int
    doubles_dropped: int
    """Frames that two overlapping connections brought, and that were taken once."""
    clock_offset_ms: float | None
    """How far the venue's clock is ahead of ours."""
    crossed: int
    malformed: int
    ignored: int
    connected: bool
    latency_us: LatencyUs
    """From arrival to being written: our own part."""
    venue_latency_us: LatencyUs
    """From the venue's stamp to arrival, by the venue's clock as estimated: the way's part. Of what was read last each time."""
    verdicts: dict[str, int]
    symbols: list[RecordedSymbol]
    links: list[RecordedLink]
    sources: list[RecordedSource] = []
    """With --source: how each did."""
    followed: list[FollowedSymbol] = []
    """With --source: which places of each symbol counted."""


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """Run the exchange in a box: serve reels, or a market made from a seed, on loopback as the venue would, until interrupted."""

    reel: Annotated[
        list[str],
        Meta(description="Reel file to serve; several are one stream, in this order. Needs --venue, --symbol."),
    ] = []
    venue: Annotated[
        VenueName | None,
        Meta(
            description="Market that the reels were recorded from, or that is made; with --seed, binance-spot if not given."
        ),
    ] = None
    symbol: Annotated[str | None, Meta(description="Symbol whose depth snapshots the reels hold, such as ETHUSDT.")] = (
        None
    )
    seed: Annotated[Seed | None, Meta(description="Make a market from this seed instead of serving reels.")] = None
    symbols: Annotated[
        list[str],
        Meta(description="Symbols of the market that is made: how many, or their names; with --seed, 5 if not given."),
    ] = []
    speed: Annotated[
        float, Meta(description="How many times as fast as real time; 0 is as fast as the clients take it.", ge=0)
    ] = 1.0
    port: Annotated[int, Meta(description="Port on 127.0.0.1; 0 takes a free one.", ge=0, le=65535)] = 9870
    faults: Annotated[
        str | None, Meta(description="TOML file of what is to break, and when; more can be posted to /control/faults.")
    ] = None
    control_token_file: Annotated[
        str | None, Meta(description="File that holds the token which the control endpoint asks for; without it, none.")
    ] = None


class VenueResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `venue`."""

    port: int
    reel_ended: bool
    """Whether the whole reel was played; a market that is made does not end."""
    connections: int
    faults_done: int
    """Faults that have begun."""
    rate_violations: dict[str, int]
    """Breaches of the venue's limits by clients, by kind: messages, weight, attempts, bans."""


class Verify(msgspec.Struct, frozen=True, kw_only=True):
    """Check a tape from end to end: checksums, chain, order and continuity."""

    tape: Annotated[str, argument("Directory of the tape.")]


class VerifyFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, and where: file, byte offset and record."""

    code: str
    segment: str
    offset: int
    seq: int | None
    detail: str


class VerifyResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `verify`."""

    ok: bool
    segments: int
    blocks: int
    records: int
    first_seq: int | None
    last_seq: int | None
    sealed: bool
    """Whether the last segment is sealed; a tape in use, or of a killed writer, is not."""
    uncommitted_bytes: int
    """What a writer at work or killed has behind its last whole block; the next writer cuts it off."""
    runs: int
    findings: list[VerifyFinding]


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """Show papertape at work, offline: a market in a box, recorded over real sockets, two strategies that trade it on paper."""

    reel: Annotated[list[str], Meta(description="Reel file to play; without one, a market is made from the seed.")] = []
    venue: Annotated[VenueName | None, Meta(description="Market that the reels were recorded from.")] = None
    symbol: Annotated[str | None, Meta(description="Symbol that the reels hold, such as ETHUSDT.")] = None
    seconds: Annotated[
        float, Meta(description="How many seconds to trade, counted from the first quote.", gt=0, le=3600)
    ] = 20.0
    seed: Annotated[int, Meta(description="Seed of the market that is made, and of the run.", ge=0)] = 7


class DemoResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `demo`."""

    venue: str
    symbols: list[str]
    seed: int | None
    """What the market was made from; None when reels were played."""
    frames: int
    market_records: int
    prints: int
    orders: int
    fills: int
    accounts: list[AccountResult]
    sequence_breaks: int
    book_checks: int
    book_mismatches: int
    latency_us: LatencyUs
    verified: bool
    """Whether `verify` found nothing wrong with the tape."""
    live_hash: str
    replay_hash: str
    same: bool
    difference: str | None
    """What came out differently in the replay, if anything did."""
    tape: str
    run: str


class BenchReplay(msgspec.Struct, frozen=True, kw_only=True):
    """Measure how fast quotes and level updates are replayed: with strategies of several kinds, and without."""

    records: Annotated[int, Meta(description="How many records to make and replay.", ge=1000)] = 5_000_000


class BenchReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `bench replay`. Rates are those of the best of three rounds on one core."""

    bar_strategy_quotes_per_s: float
    """With a Python strategy on one-minute bars."""
    quote_callback_quotes_per_s: float
    """With a Python call for every quote."""
    njit_strategy_quotes_per_s: float
    """With a compiled strategy that looks at every quote."""
    requote_quotes_per_s: float
    """With a compiled strategy that cancels and places an order at every hundredth quote."""
    python_requote_quotes_per_s: float
    """The same from Python."""
    no_strategy_quotes_per_s: float
    """The market alone: books, running hash, audit."""
    level_updates_per_s: float
    plain_level_updates_per_s: float
    jit_first_s: float | None
    jit_cached_s: float | None
    data_mb: float
    """Size of the quotes that were replayed."""
    peak_rss_mb: float
    """The most memory that the process had when the quotes had been replayed."""


class BenchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Measure recording on one core: socket, decoder, tape, book."""

    frames: Annotated[int, Meta(description="How many frames to send.", ge=1000)] = 300_000
    rate: Annotated[
        int, Meta(description="How many to send a second, evenly; 0 for as fast as they are taken.", ge=0)
    ] = 0


class BenchRecordResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `bench record`."""

    frames_per_s: float
    cpu_us_per_frame: float
    latency_us: LatencyUs
    peak_rss_mb: float


class BenchTape(msgspec.Struct, frozen=True, kw_only=True):
    """Measure the tape in the working folder: appends with and without a sync, and reading."""

    appends: Annotated[int, Meta(description="How many appends of 100 records, each with a sync.", ge=10)] = 1_000


class BenchTapeResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `bench tape`."""

    append_sync_us_p50: float
    append_sync_us_p99: float
    append_records_per_s: float
    read_records_per_s: float


ACTIONS: tuple[Action, ...] = (
    Action("version", Version, VersionResult),
    Action("init", Init, InitResult),
    Action("config check", ConfigCheck, ConfigCheckResult),
    Action("config show", ConfigShow, ConfigShowResult),
    Action("demo", Demo, DemoResult),
    Action("paper", Paper, PaperResult),
    Action("mt5-gateway", Mt5Gateway, Mt5GatewayResult),
    Action("record", Record, RecordResult),
    Action("serve", Serve, ServeResult),
    Action("replay", Replay, ReplayResult),
    Action("symbols search", SymbolsSearch, SymbolsSearchResult),
    Action("verify", Verify, VerifyResult),
    Action("venue", Venue, VenueResult),
    Action("bench replay", BenchReplay, BenchReplayResult),
    Action("bench record", BenchRecord, BenchRecordResult),
    Action("bench tape", BenchTape, BenchTapeResult),
)
