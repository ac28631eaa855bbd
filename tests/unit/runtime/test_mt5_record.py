"""The handler's own part; recordings over sockets stand in tests/integration/test_mt5_gateway_process.py."""

import sys
from pathlib import Path

import pytest

from papertape.core.actions import Record
from papertape.core.errors import InputError, UsageError
from papertape.runtime.record import run
from papertape.runtime.shell import Shell

TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    return tmp_path


def request(**more: object) -> Record:
    values: dict[str, object] = {"gateway": "ws://127.0.0.1:9/mt5", "token_file": "token", "seconds": 0.2}
    return Record(tape="tape", venue="mt5", **(values | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"token_file": None}, UsageError, "--token-file"),
        ({"gateway": "http://127.0.0.1:9"}, InputError, "--gateway"),
        ({"symbols": ["EURUSD", " "]}, InputError, "--symbols"),
        ({"ws_url": "ws://127.0.0.1:9"}, UsageError, "--ws-url"),
        ({"reel_out": "reels"}, UsageError, "--reel-out"),
        ({"metrics": 0}, UsageError, "--metrics"),
    ],
)
def test_what_does_not_go_together_is_told(wrong: dict[str, object], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        run(request(**wrong), Shell())
    assert not Path("tape").exists()


def test_a_gateway_belongs_to_metatrader() -> None:
    with pytest.raises(UsageError, match="mt5"):
        run(Record(tape="tape", venue="binance-spot", gateway="ws://127.0.0.1:9"), Shell())


def test_a_gateway_that_is_not_there_is_told_at_the_end() -> None:
    outcome = run(request(), Shell())
    assert (outcome.exit_code, outcome.response.connected) == (4, False)
    assert "ws://127.0.0.1:9/mt5" in (outcome.error or "")


@pytest.mark.skipif(sys.platform == "win32", reason="the package exists there")
def test_without_a_gateway_the_terminal_is_here_and_needs_windows() -> None:
    with pytest.raises(InputError, match="mt5-gateway"):
        run(request(gateway=None, token_file=None), Shell())
