"""The handler's own part; what it serves stands in tests/integration/test_mt5_gateway_process.py."""

import sys
from pathlib import Path

import numpy as np
import pytest

from papertape.core.errors import InputError, UsageError
from papertape.core.mt5_actions import Mt5Gateway
from papertape.runtime.mt5_gateway import run
from papertape.runtime.shell import Shell
from tests.mt5_world import ticks


class Listener(Shell):
    """A shell that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("0123456789abcdef")
    return tmp_path


def request(**more: object) -> Mt5Gateway:
    values: dict[str, object] = {"token_file": "token", "terminal": "double", "port": 0, "seconds": 0.05}
    return Mt5Gateway(**(values | more))  # type: ignore[arg-type]


def test_it_says_where_it_listens_and_ends_when_the_time_is_up() -> None:
    shell = Listener()
    outcome = run(request(), shell)
    assert outcome.exit_code == 0
    assert shell.said == [f"the gateway listens: --gateway ws://127.0.0.1:{outcome.response.port}/mt5"]


def test_beyond_loopback_it_warns() -> None:
    shell = Listener()
    run(request(host="0.0.0.0"), shell)
    assert "plain text" in shell.said[0]


def test_recorded_ticks_need_one_symbol(home: Path) -> None:
    np.save(home / "t.npy", ticks(0, 1))
    assert run(request(ticks="t.npy", symbols=["GBPUSD"]), Listener()).exit_code == 0
    for symbols in ([], ["GBPUSD", "EURUSD"]):
        with pytest.raises(UsageError, match="--symbols"):
            run(request(ticks="t.npy", symbols=symbols), Listener())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"terminal": "native", "ticks": "t.npy"}, "--terminal double"),
        ({"terminal": "native", "login": 5}, "--password-file"),
    ],
)
def test_what_does_not_go_together_is_told(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        run(request(**wrong), Listener())


def test_a_password_that_cannot_be_read_is_told() -> None:
    with pytest.raises(InputError, match="--password-file: absent"):
        run(request(terminal="native", login=5, server="S", password_file="absent"), Listener())


@pytest.mark.skipif(sys.platform == "win32", reason="the package exists there")
def test_a_native_terminal_needs_windows() -> None:
    with pytest.raises(InputError, match="Windows"):
        run(request(terminal="native"), Listener())
