"""What trading costs and how long orders travel, by venue: defaults, presets by name, or a TOML file (`--models`)."""

import difflib
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from papertape.core.errors import ConfigError
from papertape.core.instruments import Instrument
from papertape.data.wire.binance.rules import VENUES
from papertape.paper_trading.engine.rows import RATE_SCALE
from papertape.paper_trading.engine.terms import Terms

DEFAULT_TABLE = "default"
FEE_MAX = Decimal("0.1")
"""Fees are fractions: a larger one was meant as a percentage."""
LATENCY_MAX_MS = 60_000
AMPLE_CASH = 10**18
"""Ten billion at eight decimals: an account that no order is too large for, and sums that still fit in 64 bits."""
AMPLE_LEVERAGE = 100
_MS = 1_000_000


class Models(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The terms of a run, told in its first record. Instruments of a venue that `venues` does not name have `default`."""

    default: Terms
    venues: dict[str, Terms]
    checks_balance: bool = True
    """False: accounts are opened with ample money instead of what was asked for, so that no order is refused for want of it."""

    def terms(self, instrument: Instrument) -> Terms:
        """What trading this instrument costs."""
        return self.venues.get(instrument.venue, self.default)

    def purse(self, cash: int, leverage: int) -> tuple[int, int]:
        """Cash at eight decimals and leverage that an account is opened with when it was asked for with these."""
        return (cash, leverage) if self.checks_balance else (AMPLE_CASH, AMPLE_LEVERAGE)


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One table of a models file. What is left out comes from `[default]`, then from papertape's own defaults."""

    maker_fee: Decimal | None = None
    """Fraction of the value, "0.001" for 0.1 %; negative for a rebate."""
    taker_fee: Decimal | None = None
    latency_out_ms: Decimal | None = None
    latency_jitter_ms: Decimal | None = None
    latency_back_ms: Decimal | None = None
    whole_fills: bool | None = None


_TRAVEL = Terms(latency_out_ns=5 * _MS, latency_jitter_ns=3 * _MS, latency_back_ns=5 * _MS)
_SPOT = msgspec.structs.replace(_TRAVEL, maker_rate=100_000, taker_rate=100_000)
_USDM = msgspec.structs.replace(_TRAVEL, maker_rate=20_000, taker_rate=50_000)
DEFAULTS = Models(default=_SPOT, venues={"binance-spot": _SPOT, "binance-usdm": _USDM})
"""The venues' fees for beginners, and the latency of a home connection close to the venue."""
PRESETS = {
    "frictionless": Models(default=Terms(), venues={}),
    "hftbacktest-riskadverse": Models(default=Terms(whole_fills=True), venues={}, checks_balance=False),
}
PLANNED_PRESETS = ("hftbacktest-logprob", "hftbacktest-powerprob")


def load_models(name: str | None) -> Models:
    """The models of this name: the defaults for None, a preset, else a TOML file.

    Raises ConfigError naming file, key and what is allowed.
    """
    if name is None:
        return DEFAULTS
    if name in PRESETS:
        return PRESETS[name]
    if name in PLANNED_PRESETS:
        raise ConfigError(f"models {name}: its queue model comes with a later version; expected {_known()}")
    if not name.endswith(".toml"):
        raise ConfigError(f"expected --models {_known()}, was {name!r}")
    try:
        tables = tomllib.loads(Path(name).read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} is no TOML: {error}") from error
    return _models(tables, name)


def _known() -> str:
    return f"{', '.join(PRESETS)} or a file that ends in .toml"


def _models(tables: dict[str, Any], file: str) -> Models:
    known = (DEFAULT_TABLE, *VENUES)
    for key, value in tables.items():
        if key not in known:
            raise ConfigError(f"{file}: unknown table [{key}], expected one of {', '.join(known)}{_near(key, known)}")
        if not isinstance(value, dict):
            raise ConfigError(f"{file}: expected a table [{key}], was a value {key} = {value}")
    common = _changes(tables.get(DEFAULT_TABLE, {}), file, DEFAULT_TABLE)
    venues = {
        venue: msgspec.structs.replace(terms, **common | _changes(tables.get(venue, {}), file, venue))
        for venue, terms in DEFAULTS.venues.items()
    }
    return Models(default=msgspec.structs.replace(DEFAULTS.default, **common), venues=venues)


def _changes(table: dict[str, Any], file: str, name: str) -> dict[str, Any]:
    """Fields of `Terms` that one table sets."""
    fields = Table.__struct_fields__
    for key in table:
        if key not in fields:
            raise ConfigError(
                f"{file}: unknown key `{name}.{key}`, expected one of {', '.join(fields)}{_near(key, fields)}"
            )
    try:
        read = msgspec.convert(table, Table)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file}: {error}".replace("`$.", f"key `{name}.")) from error
    values: dict[str, Any] = {key: getattr(read, key) for key in fields if getattr(read, key) is not None}
    return dict(_term(f"{file}: key `{name}.{key}`", key, value) for key, value in values.items())


def _term(place: str, key: str, value: Any) -> tuple[str, int | bool]:
    if key == "whole_fills":
        return key, value
    if not value.is_finite():
        raise ConfigError(f"{place}: expected a number, was {value}")
    what, _, unit = key.rpartition("_")
    if unit == "fee":
        if not -FEE_MAX <= value <= FEE_MAX:
            raise ConfigError(
                f"{place}: expected a fraction from -{FEE_MAX} to {FEE_MAX} (0.1 % is 0.001), was {value}"
            )
        return f"{what}_rate", _whole(place, value, RATE_SCALE, "decimals")
    if not 0 <= value <= LATENCY_MAX_MS:
        raise ConfigError(f"{place}: expected 0 to {LATENCY_MAX_MS} milliseconds, was {value}")
    return f"{what}_ns", _whole(place, value, 6, "decimals of a millisecond")


def _whole(place: str, value: Decimal, scale: int, unit: str) -> int:
    scaled = value.scaleb(scale)
    if scaled != scaled.to_integral_value():
        raise ConfigError(f"{place}: expected at most {scale} {unit}, was {value}")
    return int(scaled)


def _near(key: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
