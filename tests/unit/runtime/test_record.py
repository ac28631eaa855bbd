"""The handler in this process; what it does against a venue stands in tests/integration/test_record_*.py."""

import asyncio
from pathlib import Path

import pytest

from papertape.core.actions import Record
from papertape.core.errors import ConfigError, InputError
from papertape.runtime.record import run
from papertape.runtime.shell import Shell


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def request(home: Path, **more: object) -> Record:
    values: dict[str, object] = {"ws_url": ["ws://127.0.0.1:9"], "rest_url": "http://127.0.0.1:9", "seconds": 0.05}
    return Record(tape=str(home / "tape"), venue="binance-spot", **(values | more))  # type: ignore[arg-type]


def test_an_empty_name_among_the_symbols(home: Path) -> None:
    with pytest.raises(InputError, match="--symbols"):
        run(request(home, symbols=["A", " "]), Shell())
    assert not (home / "tape").exists()


@pytest.mark.parametrize("option", ["ws_url", "rest_url"])
@pytest.mark.parametrize("port", ["99999", "0", "x"])
def test_a_url_with_a_port_that_cannot_be_is_named(home: Path, option: str, port: str) -> None:
    scheme = "ws" if option == "ws_url" else "http"
    url = f"{scheme}://127.0.0.1:{port}"
    with pytest.raises(InputError, match=f"--{option.replace('_', '-')}.*127.0.0.1:{port}"):
        run(request(home, **{option: ["ws://127.0.0.1:9", url] if option == "ws_url" else url}), Shell())
    assert not (home / "tape").exists()


def test_a_wrong_configuration_is_told_before_anything_is_made(home: Path) -> None:
    (home / "papertape.toml").write_text("[real_time.crypto]\nsymbls = []\n")
    with pytest.raises(ConfigError, match="symbls"):
        run(request(home), Shell())
    assert not (home / "tape").exists()


def test_symbols_come_from_the_configuration(home: Path) -> None:
    (home / "papertape.toml").write_text('[real_time.crypto]\nsymbols = ["solusdt", "XRPUSDT", "SOLUSDT"]\n')
    outcome = run(request(home), Shell())
    assert outcome.exit_code == 4
    assert [one.symbol for one in outcome.response.symbols] == ["SOLUSDT", "XRPUSDT"]
    given = run(request(home, symbols=["ADAUSDT"]), Shell())
    assert [one.symbol for one in given.response.symbols] == ["ADAUSDT"]


def test_no_loop_is_left_behind(home: Path) -> None:
    run(request(home), Shell())
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
