"""Models of a run: defaults, presets, files."""

from pathlib import Path

import msgspec
import pytest

from papertape.core.errors import ConfigError
from papertape.core.instruments import Instrument, InstrumentKind
from papertape.paper_trading.engine.terms import Terms
from papertape.runtime.models import PRESETS, Models, load_models


def listed_at(venue: str) -> Instrument:
    return Instrument(
        venue=venue,
        symbol="ABCUSDT",
        kind=InstrumentKind.CRYPTO_SPOT,
        base="ABC",
        quote="USDT",
        settle="USDT",
        price_scale=2,
        size_scale=3,
        tick=1,
        lot=1,
    )


def models_of(folder: Path, text: str) -> Models:
    file = folder / "models.toml"
    file.write_text(text, encoding="utf-8")
    return load_models(str(file))


def test_defaults_are_those_of_the_venue() -> None:
    models = load_models(None)
    spot, usdm = models.terms(listed_at("binance-spot")), models.terms(listed_at("binance-usdm"))
    assert (spot.maker_rate, spot.taker_rate) == (100_000, 100_000)
    assert (usdm.maker_rate, usdm.taker_rate) == (20_000, 50_000)
    assert (spot.latency_out_ns, spot.latency_jitter_ns, spot.latency_back_ns) == (5_000_000, 3_000_000, 5_000_000)
    assert models.terms(listed_at("elsewhere")) == spot
    assert models.purse(7, 3) == (7, 3)


def test_a_venue_comes_before_default_and_both_before_what_is_built_in(tmp_path: Path) -> None:
    models = models_of(
        tmp_path,
        '[default]\nmaker_fee = "-0.0001"\nlatency_out_ms = 2.5\n[binance-usdm]\ntaker_fee = 0.0003\nmaker_fee = 0\n'
        "latency_jitter_ms = 0\nwhole_fills = true\n",
    )
    spot, usdm = models.terms(listed_at("binance-spot")), models.terms(listed_at("binance-usdm"))
    assert (spot.maker_rate, spot.taker_rate, spot.latency_out_ns, spot.whole_fills) == (
        -10_000,
        100_000,
        2_500_000,
        False,
    )
    assert (usdm.maker_rate, usdm.taker_rate, usdm.latency_out_ns, usdm.whole_fills) == (0, 30_000, 2_500_000, True)
    assert usdm.latency_jitter_ns == 0
    assert models.terms(listed_at("elsewhere")).maker_rate == -10_000
    assert msgspec.convert(msgspec.to_builtins(models), Models) == models


def test_presets() -> None:
    assert PRESETS["frictionless"].terms(listed_at("binance-spot")) == Terms()
    compared = load_models("hftbacktest-riskadverse")
    assert compared.terms(listed_at("binance-usdm")) == Terms(whole_fills=True)
    assert min(compared.purse(0, 1)) > 1, "whatever the account was to have, nothing is too dear for it"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[binance-usmd]", "did you mean binance-usdm?"),
        ("maker_fee = 1", "unknown table [maker_fee]"),
        ("default = 1", "expected a table [default]"),
        ('[default]\nmaker_fe = "1"', "did you mean maker_fee?"),
        ('[default]\nmaker_fee = "cheap"', "`default.maker_fee`"),
        ('[default]\nmaker_fee = "nan"', "`default.maker_fee`: expected a number"),
        ('[binance-spot]\ntaker_fee = "5"', "`binance-spot.taker_fee`: expected a fraction"),
        ('[default]\nmaker_fee = "0.000000001"', "at most 8 decimals"),
        ("[default]\nlatency_back_ms = -1", "expected 0 to 60000 milliseconds"),
        ("[default]\nlatency_out_ms = inf", "`default.latency_out_ms`: expected a number"),
        ("[default]\nwhole_fills = 1", "`default.whole_fills`"),
        ("[default", "is no TOML"),
    ],
)
def test_a_wrong_file_is_told_with_the_key(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as told:
        models_of(tmp_path, text)
    assert expected in str(told.value)
    assert "models.toml" in str(told.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hftbacktest-powerprob", "comes with a later version"),
        ("frictionles", "expected --models frictionless, hftbacktest-riskadverse or a file"),
        ("none.toml", "cannot be read"),
    ],
)
def test_a_name_that_is_none_is_told(name: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        load_models(name)
