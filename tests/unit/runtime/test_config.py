import tomllib
from pathlib import Path

import pytest

from papertape.core.errors import ConfigError
from papertape.runtime.config import PLANNED_TABLES, Config, commented_config, load_config


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "papertape.toml"
    file.write_text(text)
    return file


def test_without_a_file_all_is_default() -> None:
    crypto = load_config(None).real_time.crypto
    assert crypto.symbols == ("BTCUSDT", "ETHUSDT", "ADAUSDT")
    assert crypto.websocket_timeout_s == 30


def test_keys_are_the_plans_and_attributes_carry_the_unit(tmp_path: Path) -> None:
    file = written(tmp_path, '[real_time.crypto]\nsymbols = ["SOLUSDT"]\nwebsocket_timeout = 12.5\n')
    crypto = load_config(file).real_time.crypto
    assert (crypto.symbols, crypto.websocket_timeout_s) == (("SOLUSDT",), 12.5)


def test_the_commented_config_is_the_default_and_comments_every_key(tmp_path: Path) -> None:
    text = commented_config()
    assert load_config(written(tmp_path, text)) == Config()
    lines = text.splitlines()
    keys = [number for number, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    tables = tomllib.loads(text)["real_time"]
    assert [lines[number].split(" = ")[0] for number in keys] == [*tables["forex"], *tables["crypto"]]
    assert all(lines[number - 1].startswith("# ") for number in keys)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[real_time.crypto]\nsymbol = ['A']\n",
            ["`real_time.crypto.symbol`", "symbols, timeframes, websocket_timeout", "did you mean"],
        ),
        ("[realtime.crypto]\n", ["`realtime`", "real_time"]),
        ("nonsense = 1\n", ["`nonsense`", "real_time"]),
        ("[real_time.crypto]\nwebsocket_timeout = 'soon'\n", ["websocket_timeout", "float"]),
        ("[real_time.crypto]\nwebsocket_timeout = 0\n", ["websocket_timeout", ">= 1"]),
        ("[real_time.crypto]\nwebsocket_timeout = 601\n", ["websocket_timeout", "<= 600"]),
        ("[real_time.crypto]\nwebsocket_timeout = nan\n", ["websocket_timeout"]),
        ("[real_time.crypto]\nwebsocket_timeout = true\n", ["websocket_timeout", "float"]),
        ("[real_time.crypto]\nsymbols = 'BTCUSDT'\n", ["symbols", "array"]),
        ("[real_time.crypto]\nsymbols = [1]\n", ["symbols", "str"]),
        ("[real_time.crypto]\nprovider = 'Binance'\n", ["real_time.crypto.provider", "binance-usdm"]),
        ("[real_time.crypto]\nbackups = ['kraken']\n", ["real_time.crypto.backups", "ccxt:"]),
        ("[real_time.crypto]\nbuffer_size = 0\n", ["buffer_size", ">= 1"]),
        ("[real_time.crypto]\ntimeframes = ['1w']\n", ["real_time.crypto", "timeframes", "'1w'"]),
        ("[real_time.forex]\ntimeframes = ['MN1']\n", ["real_time.forex", "timeframes", "'MN1'"]),
        ("[real_time.forex]\nsymbol = ['EURUSD']\n", ["`real_time.forex.symbol`", "did you mean"]),
        ("real_time = 3\n", ["real_time", "object"]),
        ("[real_time\n", ["no TOML"]),
    ],
    ids=lambda value: value.strip().replace("\n", " ") if isinstance(value, str) else None,
)
def test_what_is_wrong_is_named_with_file_key_and_what_is_allowed(tmp_path: Path, text: str, told: list[str]) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load_config(file)
    assert raised.value.exit_code == 3
    for part in [str(file), *told]:
        assert part in str(raised.value)


@pytest.mark.parametrize("table", PLANNED_TABLES)
def test_tables_of_later_parts_are_refused_by_name(tmp_path: Path, table: str) -> None:
    with pytest.raises(ConfigError, match=f"`{table}`.*not built yet"):
        load_config(written(tmp_path, f"[{table}]\nx = 1\n"))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for file in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ConfigError, match=str(file)):
            load_config(file)
    file = tmp_path / "latin.toml"
    file.write_bytes(b"# \xff\n")
    with pytest.raises(ConfigError, match="no TOML"):
        load_config(file)
