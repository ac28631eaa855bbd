"""x.py in a small project of its own: real environments, real pip, nothing fetched (its lock is empty)."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("x.py")  # one environment for all of them

BACKEND = """
import zipfile

METADATA = "Metadata-Version: 2.1\\nName: papertape\\nVersion: 1.0\\n"

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "papertape-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel_directory + "/" + name, "w") as wheel:
        wheel.writestr("papertape.pth", SOURCE)
        wheel.writestr("papertape-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("papertape-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("papertape-1.0.dist-info/RECORD", "")
    return name
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
MAIN = """
import json, sys, time
try:
    print(json.dumps(sys.argv[1:]), flush=True)
    time.sleep(60 if "wait" in sys.argv else 0)
except KeyboardInterrupt:
    time.sleep(1)  # an orderly end takes a while
    print("orderly end")
    sys.exit(130)
sys.exit(7 if "fail" in sys.argv else 0)
"""


def command_of(*args: str) -> list[str]:
    base = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")
    return [str(base), "x.py", *args]


def outside() -> dict[str, str]:
    """The environment of a person, with no trace of the one that runs this test."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def x(project: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command_of(*args), cwd=project, env=outside(), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    folder = tmp_path_factory.mktemp("a project")
    shutil.copy(root / "x.py", folder)
    package = folder / "src" / "papertape"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(MAIN, encoding="utf-8")
    (folder / "backend.py").write_text(f"SOURCE = {str(folder / 'src')!r}\n{BACKEND}", encoding="utf-8")
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (folder / "requirements.lock").touch()
    return folder


@pytest.mark.parametrize("args", [(), ("--help",), ("nonsense",), ("check", "extra")])
def test_a_wrong_command_line_ends_with_2_and_sets_nothing_up(
    tmp_path: Path, root: Path, args: tuple[str, ...]
) -> None:
    shutil.copy(root / "x.py", tmp_path)
    done = x(tmp_path, *args)
    assert done.returncode == (0 if args == ("--help",) else 2)
    assert done.stdout == ""
    assert "demo" in done.stderr or "takes no arguments" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_sets_up_once_then_passes_everything_through(project: Path) -> None:
    first = x(project, "demo", "--json", "a b")
    assert first.returncode == 0, first.stderr
    assert first.stdout == '["demo", "--json", "a b"]\n', "standard output belongs to the task"
    assert "set up in" in first.stderr
    second = x(project, "bench", "fail")
    assert second.returncode == 7
    assert second.stdout == '["bench", "fail"]\n'
    assert "set up in" not in second.stderr
    assert "bench ended with exit code 7" in second.stderr


def test_bench_with_peers_runs_the_scripts_that_are_not_shipped(project: Path) -> None:
    peers = project / "benchmarks" / "peers"
    peers.mkdir(parents=True)
    for name in ("decode", "record", "replay", "strategies"):
        (peers / f"{name}.py").write_text(f"import sys; print({name!r}, *sys.argv[1:])", encoding="utf-8")
    done = x(project, "bench", "--peers", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "decode --json\nrecord --json\nreplay --json\nstrategies --json\n"


@pytest.mark.skipif(os.name == "nt", reason="an interrupt from the keyboard cannot be sent to a group there")
def test_an_interrupt_leaves_the_task_time_to_end(project: Path) -> None:
    with subprocess.Popen(
        command_of("demo", "wait"),
        cwd=project,
        env=outside(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background has the interrupt ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - one thread here
    ) as runner:
        assert runner.stdout
        assert runner.stdout.readline() == '["demo", "wait"]\n'
        os.killpg(runner.pid, signal.SIGINT)
        assert runner.stdout.read() == "orderly end\n"
    assert runner.returncode == 130


def test_stops_at_the_first_failing_step_and_says_what_did_not_run(project: Path) -> None:
    done = x(project, "test")
    assert done.returncode == 1, "ruff is not in the empty lock"
    assert "ruff check ended with exit code 1; not run: ruff format, mypy, import rule, pytest" in done.stderr


def test_sets_up_again_when_the_lock_changes_and_refuses_what_has_no_hash(project: Path) -> None:
    lock = project / "requirements.lock"
    lock.write_text("papertape-has-no-such-requirement==1.0\n", encoding="utf-8")
    done = x(project, "demo")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "hash" in done.stderr.lower()
    assert "pip could not install --require-hashes" in done.stderr
    lock.write_text("", encoding="utf-8")
    assert "set up in" in x(project, "demo").stderr, "a set-up that failed is done again"


def test_soak_is_simulated_or_live():
    spec = importlib.util.spec_from_file_location("x", Path(__file__).parents[2] / "x.py")
    x = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(x)
    assert x.steps_of("soak", ["--seeds", "3"]) == (("soak", ("-m", "papertape.testing.soak", "--seeds", "3")),)
    assert x.steps_of("soak", ["--live", "--minutes", "1"]) == (
        ("live soak", ("benchmarks/soak.py", "--minutes", "1")),
    )
