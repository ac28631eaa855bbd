"""Configuration: TOML tables with the plan's keys, defaults and units; a key nobody knows is an error.

Attribute names carry the unit, keys are the plan's: `websocket_timeout` is read as
`websocket_timeout_s`. Keys of the plan whose part is not built yet are refused by name.
"""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from papertape.core.action_parts import VenueName
from papertape.core.errors import ConfigError, DataError
from papertape.data.wire.timeframes import interval_ns

PLANNED_TABLES = (
    "real_time.quality",
    "accounts",
    "execution",
    "analytics",
    "mcp_bridge",
    "ml_bridge",
)
"""Tables of the plan that later steps bring; until then a value there could have no effect."""
PROVIDERS = r"^(mt5|binance|binance-usdm|ccxt:[a-z0-9]+|server:[a-z0-9-]+)$"
"""Names of sources: `runtime.sources` makes them."""
SERVER = "server:"


Symbols = Annotated[tuple[str, ...], Meta(description="Symbols that are followed when none are asked for.")]
Timeframes = Annotated[
    tuple[str, ...], Meta(description="Bars that its streams make: M1, H1, D1 or 1m, 1h, 1d; the longest are days.")
]
BufferRecords = Annotated[
    int,
    Meta(description="Records that wait for the reader of a stream; beyond them a Gap is told.", ge=1, le=10_000_000),
]
Backups = Annotated[
    tuple[Annotated[str, Meta(pattern=PROVIDERS)], ...],
    Meta(description="Sources that stand in for the provider, the most trusted first, such as ccxt:kraken."),
]


class Forex(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[real_time.forex]`: what forex streams bring, and from whom."""

    provider: Annotated[
        str, Meta(description="The source of forex: mt5, or ccxt:ID for an exchange of ccxt.", pattern=PROVIDERS)
    ] = "mt5"
    symbols: Symbols = ("EURUSD", "GBPUSD", "USDJPY", "USDCHF")
    timeframes: Timeframes = ("M1", "M5", "H1")
    buffer_records: BufferRecords = msgspec.field(default=10_000, name="buffer_size")
    backups: Backups = ()
    gateway: Annotated[
        str,
        Meta(
            description="Gateway of the MetaTrader 5 terminal, such as ws://127.0.0.1:9871/mt5; without, the terminal on this computer."
        ),
    ] = ""
    token_file: Annotated[str, Meta(description="File with the gateway's token.")] = ""

    def __post_init__(self) -> None:
        _check_timeframes(self.timeframes)


class Crypto(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[real_time.crypto]`: what `record` and crypto streams listen to, from whom, and how patiently."""

    provider: Annotated[
        str,
        Meta(
            description="The source of crypto streams: binance, binance-usdm, or ccxt:ID for an exchange of ccxt.",
            pattern=PROVIDERS,
        ),
    ] = "binance"
    symbols: Annotated[
        tuple[str, ...], Meta(description="Symbols that `papertape record` takes without --symbols.")
    ] = (
        "BTCUSDT",
        "ETHUSDT",
        "ADAUSDT",
    )
    timeframes: Timeframes = ("1m", "5m", "1h")
    buffer_records: BufferRecords = msgspec.field(default=100_000, name="buffer_size")
    backups: Backups = ()
    websocket_timeout_s: Annotated[
        float,
        Meta(description="Seconds of silence, pings included, after which a connection counts as lost.", ge=1, le=600),
    ] = msgspec.field(default=30, name="websocket_timeout")

    def __post_init__(self) -> None:
        _check_timeframes(self.timeframes)


def _check_timeframes(timeframes: tuple[str, ...]) -> None:
    """Raise the ValueError that the decoder tells with the key's place."""
    for timeframe in timeframes:
        try:
            interval_ns(timeframe)
        except DataError as error:
            raise ValueError(f"timeframes: {error}") from error


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[real_time.servers.NAME]`: a server of its own that speaks like Binance, as the source `server:NAME`."""

    speaks: Annotated[VenueName, Meta(description="The market whose protocol it speaks.")]
    ws_urls: Annotated[
        tuple[str, ...], Meta(description="WebSocket bases; later ones stand in for earlier ones.", min_length=1)
    ]
    rest_url: Annotated[str, Meta(description="REST base.")]


class RealTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[real_time]`: live data."""

    forex: Forex = Forex()
    crypto: Crypto = Crypto()
    servers: Annotated[
        dict[Annotated[str, Meta(pattern="^[a-z0-9-]+$")], Server],
        Meta(description="Servers that speak like Binance, each under its name: a venue of that name."),
    ] = {}

    def __post_init__(self) -> None:
        named = [self.forex.provider, *self.forex.backups, self.crypto.provider, *self.crypto.backups]
        for name in named:
            if name.startswith(SERVER) and name.removeprefix(SERVER) not in self.servers:
                told = ", ".join(SERVER + one for one in self.servers) or "none"
                raise ValueError(f"a source: expected a server of `real_time.servers` ({told}), was {name}")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that can be configured."""

    real_time: RealTime = RealTime()


def load_config(file: Path | None) -> Config:
    """The configuration in `file`, defaults without one. Raises ConfigError naming file, key and what is allowed."""
    if file is None:
        return Config()
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is no TOML: {error}") from error
    _refuse_unknown_keys(tables, Config, str(file), "")
    try:
        return msgspec.convert(tables, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file}: {error}".replace("`$.", "key `")) from error


def _refuse_unknown_keys(tables: dict[str, Any], struct: type[msgspec.Struct], file: str, path: str) -> None:
    known = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for key, value in tables.items():
        name = f"{path}{key}"
        if name in PLANNED_TABLES:
            raise ConfigError(f"{file}: key `{name}` belongs to a part of papertape that is not built yet; remove it")
        field = known.get(key)
        if field is None:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean `{path}{near[0]}`?" if near else ""
            raise ConfigError(f"{file}: unknown key `{name}`, expected one of {', '.join(sorted(known))}{hint}")
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct) and isinstance(value, dict):
            _refuse_unknown_keys(value, field.type, file, f"{name}.")


def commented_config() -> str:
    """The default configuration as TOML with a comment for every key."""
    lines = ["# papertape: every key with its default. `papertape config check` says whether a change is right.", ""]
    _describe(Config, Config(), "", lines)
    return "\n".join(lines).rstrip() + "\n"


def _describe(struct: type[msgspec.Struct], value: msgspec.Struct, path: str, lines: list[str]) -> None:
    plain = [
        field
        for field in msgspec.structs.fields(struct)
        if not isinstance(getattr(value, field.name), msgspec.Struct | dict)
    ]
    if plain:
        lines += [f"# {(struct.__doc__ or '').partition(': ')[2]}", f"[{path}]"]
    for field in plain:
        description = next(
            (meta.description for meta in getattr(field.type, "__metadata__", ()) if meta.description), ""
        )
        lines += [f"# {description}", f"{field.encode_name} = {_toml(getattr(value, field.name))}", ""]
    for field in msgspec.structs.fields(struct):
        inner = getattr(value, field.name)
        if isinstance(inner, msgspec.Struct):
            _describe(type(inner), inner, f"{path}.{field.encode_name}".lstrip("."), lines)


def _toml(value: object) -> str:
    """A default as TOML, which for texts, numbers and lists of them is spelled like JSON."""
    return msgspec.json.encode(value).decode().replace(",", ", ")
