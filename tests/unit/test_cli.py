"""The command line as a contract: help, one JSON object, the error last, exit codes, and what a start may load."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from papertape.cli import build_parser, main
from papertape.core.action_parts import Action
from papertape.core.actions import ACTIONS

HEAVY = ("numba", "pandas", "scipy", "pyarrow", "plotly", "sklearn")
NO_SOCKETS = """
import socket, sys
def refused(*arguments, **options):
    raise AssertionError("a socket is opened")
for name in ("connect", "connect_ex", "sendto", "bind"):
    setattr(socket, "socket", type("Socket", (socket.socket,), {name: refused}))
socket.create_connection = socket.getaddrinfo = refused
from papertape.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of its own, which is the working folder too."""
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_action_has_help_that_names_its_options(action: Action, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*action.name.split(), "--help"])
    assert ended.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert " ".join(action.summary.split()) in said
    assert "--json" in said
    for field in msgspec.structs.fields(action.request):
        description = next(meta.description for meta in field.type.__metadata__ if isinstance(meta, msgspec.Meta))
        assert description
        assert " ".join(description.split()) in said


def test_the_first_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    for action in ACTIONS:
        assert re.search(rf"^ +{action.name.split()[0]}(?: |$)", said, re.MULTILINE), action.name


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "COMMAND"),
        (["no-such-command"], "no-such-command"),
        (["config"], "COMMAND"),
        (["verify"], "TAPE"),
        (["verify", "a", "b"], "b"),
        (["version", "--nonsense"], "--nonsense"),
        (["record", "--venue", "binance-spot"], "--tape"),
        (["record", "--tape", "t"], "--venue"),
        (["record", "--tape", "t", "--venue", "nasdaq"], "binance-spot"),
        (["record", "--tape", "t", "--venue", "binance-spot", "--seconds", "soon"], "--seconds"),
        (["record", "--tape", "t", "--venue", "binance-spot", "--seconds", "0"], "--seconds"),
        (["record", "--tape", "t", "--venue", "binance-spot", "--seconds", "-1"], "--seconds"),
        (["record", "--tape", "t", "--venue", "binance-spot", "--seconds", "nan"], "--seconds"),
        (["record", "--tape", "t", "--venue", "binance-spot", "--sec", "1"], "--sec"),
        (["venue", "--reel", "r", "--venue", "binance-spot", "--symbol", "A", "--port", "65536"], "--port"),
        (["venue", "--reel", "r", "--venue", "binance-spot", "--symbol", "A", "--speed", "-1"], "--speed"),
        (["venue", "--reel", "r", "--venue", "binance-spot", "--symbol", "A", "--speed", "nan"], "--speed"),
        (["paper", "--venue", "nasdaq", "--strategy", "a:B", "--symbols", "A"], "binance-spot"),
        (["replay"], "neither"),
        (["replay", "tape", "--reel", "r"], "both"),
        (["replay", "tape", "--venue", "binance-spot"], "--venue"),
        (["replay", "--reel", "r"], "--symbol"),
        (["replay", "tape", "--rerun"], "--rerun"),
        (["replay", "tape", "--save"], "--save"),
        (["replay", "tape", "--strategy", "a:B", "--leverage", "126"], "--leverage"),
        (["replay", "tape", "--strategy", "a:B", "--seed", "-1"], "--seed"),
        (["replay", "tape", "--strategy", "a:B", "--orders", "o.csv"], "--orders"),
        (["demo", "--seconds", "3601"], "--seconds"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_command_line_is_usage(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err.rstrip("\n").rpartition("\n")[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "nowhere"],
        ["replay", "nowhere"],
        ["replay", "nowhere", "--strategy", "a:B"],
        ["replay", "--reel", "nowhere.gz", "--venue", "binance-spot", "--symbol", "A"],
        ["venue", "--reel", "nowhere.gz", "--venue", "binance-spot", "--symbol", "A", "--port", "0"],
        ["config", "check", "nowhere.toml"],
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_named_last_and_alone(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--json"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "nowhere" in said.err.rstrip("\n").rpartition("\n")[2]


@pytest.mark.parametrize(
    "arguments", [["version"], ["init", "made"], ["config", "check"], ["config", "show"]], ids=" ".join
)
def test_json_is_one_object_and_nothing_else(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--json"]) == 0
    said = capsys.readouterr()
    assert isinstance(json.loads(said.out), dict)
    assert said.out.count("\n") == 1
    assert said.err == ""
    assert main([*arguments[:1], *(["other"] if arguments[0] == "init" else arguments[1:])]) == 0
    assert capsys.readouterr().out.strip()


def test_symbols_are_parted_by_commas_and_repeat() -> None:
    from papertape.cli import _request

    given = build_parser().parse_args(
        ["record", "--tape", "t", "--venue", "binance-spot", "--symbols", "A,B", "C", "--symbols", "D"]
    )
    assert msgspec.structs.asdict(_request(given.action, given))["symbols"] == ["A", "B", "C", "D"]


def test_the_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "no\nwhere"]) == 3
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("module", ["papertape.cli", "papertape.runtime.record", "papertape.runtime.venue"])
def test_a_start_loads_no_heavy_library(module: str) -> None:
    script = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    answer = python("-c", script)
    assert (answer.returncode, answer.stdout.strip()) == (0, ""), answer.stderr


def test_help_loads_neither_numpy_nor_an_event_loop() -> None:
    script = "import sys; from papertape.cli import build_parser; build_parser().format_help(); print(*sys.modules)"
    loaded = set(python("-c", script).stdout.split())
    assert not loaded & {"numpy", "asyncio", "aiohttp", "rich", "structlog"}


@pytest.mark.parametrize("flag", [["--json"], []], ids=["json", "text"])
@pytest.mark.parametrize("command", ["version", "verify", "config show"])
def test_no_telemetry(command: str, flag: list[str], tmp_path: Path) -> None:
    """Commands that work on what is here speak to nobody: opening a socket would end them."""
    from papertape.tape.market_writer import MarketWriter

    with MarketWriter.open(tmp_path / "tape"):
        pass
    arguments = [*command.split(), *([str(tmp_path / "tape")] if command == "verify" else []), *flag]
    answer = python("-c", NO_SOCKETS, *arguments)
    assert answer.returncode == 0, answer.stderr


def test_the_module_is_the_command() -> None:
    answer = python("-m", "papertape", "version", "--json")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["papertape"]


def test_a_closed_pipe_is_no_traceback() -> None:
    script = f"{sys.executable} -m papertape version --json | true"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert "Traceback" not in answer.stderr
