"""The handler's own part; recordings over sockets stand in tests/integration/test_record_sources.py."""

from pathlib import Path

import pytest

from papertape.core.actions import Record
from papertape.core.errors import ConfigError, InputError, PapertapeError, UsageError
from papertape.runtime.record import run
from papertape.runtime.shell import Shell


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"symbols": ["BTCUSDT", " "]}, InputError, "--symbols"),
        ({"ws_url": ["ws://127.0.0.1:9"]}, UsageError, "--ws-url"),
        ({"reel_out": "reels"}, UsageError, "--reel-out"),
        ({"source": [], "backup": ["mt5"]}, UsageError, "--source"),
        ({"backup": ["binance"]}, UsageError, "binance in both"),
        ({"backup": ["binance-spot"]}, ConfigError, "one venue each"),
        ({"source": ["server:gone"]}, ConfigError, "server:gone"),
    ],
)
def test_what_does_not_go_together_is_told(wrong: dict[str, object], error: type[PapertapeError], told: str) -> None:
    values: dict[str, object] = {"source": ["binance"], "seconds": 0.2}
    with pytest.raises(error, match=told):
        run(Record(tape="tape", **(values | wrong)), Shell())  # type: ignore[arg-type]


def test_sources_that_were_never_reached_end_with_the_venues_code(home: Path) -> None:
    (home / "papertape.toml").write_text(
        '[real_time.servers.gone]\nspeaks = "binance-spot"\n'
        'ws_urls = ["ws://127.0.0.1:9"]\nrest_url = "http://127.0.0.1:9"\n'
    )
    outcome = run(Record(tape="tape", source=["server:gone"], symbols=["BTCUSDT"], seconds=1), Shell())
    assert (outcome.exit_code, outcome.response.connected, outcome.response.symbols) == (4, False, [])
    assert "none of server:gone" in str(outcome.error)
