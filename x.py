#!/usr/bin/env python3
"""The task runner of papertape: `python3 x.py TASK [ARGS]`.

    demo  [ARGS]   show papertape at work, offline and without an account (papertape demo ARGS)
    test  [ARGS]   all checks, then all tests; ARGS go to pytest
    check          the checks alone: ruff, mypy, import rule
    soak  [ARGS]   simulated worlds with all faults (soak --seeds 0-999); soak --live runs over real sockets
    bench [ARGS]   measure (papertape bench ARGS); bench --peers [--json] measures beside other packages,
                   bench --memory what papertape record holds with many symbols
    docs           check the documents: links, commands, runnable examples
    fmt            format the code and sort its imports
    wheel          build the wheel into dist/

It needs Python 3.11 or later with venv and nothing else. Before a task it makes `.venv` and installs
exactly what requirements.lock names, every file checked by its hash; it does so again only when the
lock, pyproject.toml, the place of this folder or the Python has changed. A task's output goes to
standard output, all that x.py itself has to say to standard error.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file is the first thing that an older Python meets
    sys.exit("x.py: expected Python 3.11 or later, was {}.{}".format(*sys.version_info[:2]))

import contextlib
import hashlib
import os
import subprocess
import time
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "set-up.sha256"

Step = tuple[str, Sequence[str]]

LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS: tuple[Step, ...] = (
    ("ruff check", ("-m", "ruff", "check", ".")),
    ("ruff format", ("-m", "ruff", "format", "--check", ".")),
    ("mypy", ("-m", "mypy")),
    ("import rule", ("-c", LINT_IMPORTS)),
)
FORMAT: tuple[Step, ...] = (
    ("ruff check --fix", ("-m", "ruff", "check", "--fix", ".")),
    ("ruff format", ("-m", "ruff", "format", ".")),
)
DOCS: tuple[Step, ...] = (("documents", ("-m", "pytest", "tests/test_docs.py")),)
PEERS = ("decode", "record", "replay", "strategies")
WHEEL: tuple[Step, ...] = (("wheel", ("-m", "build", "--wheel", "--no-isolation", "--outdir", "dist")),)


def steps_of(task: str, args: Sequence[str]) -> tuple[Step, ...] | None:
    """The steps of a task, each a name and the arguments for the environment's Python; None if there is no such task."""
    if task == "bench" and args[:1] == ["--peers"]:
        return tuple((f"{name} beside peers", (f"benchmarks/peers/{name}.py", *args[1:])) for name in PEERS)
    if task == "bench" and args[:1] == ["--memory"]:
        return (("memory of record", ("benchmarks/record_memory.py", *args[1:])),)
    if task in ("demo", "bench"):
        return ((task, ("-m", "papertape", task, *args)),)
    if task == "soak" and args[:1] == ["--live"]:
        return (("live soak", ("benchmarks/soak.py", *args[1:])),)
    if task == "soak":
        return ((task, ("-m", "papertape.testing.soak", *args)),)
    if task == "test":
        return (*CHECKS, ("pytest", ("-m", "pytest", "-n", "2", "--dist", "loadgroup", *args)))
    fixed = {"check": CHECKS, "docs": DOCS, "fmt": FORMAT, "wheel": WHEEL}.get(task)
    if fixed and args:
        fail(f"{task} takes no arguments, was given: {' '.join(args)}", 2)
    return fixed


def main(argv: Sequence[str]) -> int:
    """Run one task; its exit code, 2 for a wrong command line."""
    if not argv or argv[0] in ("-h", "--help", "help"):
        say((__doc__ or "").rstrip())
        return 0 if argv else 2
    steps = steps_of(argv[0], argv[1:])
    if steps is None:
        fail(
            f"expected one of demo, test, check, soak, bench, docs, fmt, wheel, was {argv[0]!r}; see python3 x.py --help",
            2,
        )
    try:
        set_up()
    except KeyboardInterrupt:
        fail("interrupted", 130)
    return run(steps)


def run(steps: Sequence[Step]) -> int:
    """Run the steps in order up to the first that fails; its exit code. More than one step: each is announced, the end summed up."""
    started = time.monotonic()
    for number, (name, args) in enumerate(steps, 1):
        if len(steps) > 1:
            say(f"x.py: {name} ({number} of {len(steps)})")
        code = call([str(PYTHON), *args])
        if code:
            say(f"x.py: {name} ended with exit code {code}" + not_run([name for name, _ in steps[number:]]))
            return code
    if len(steps) > 1:
        say(f"x.py: {', '.join(name for name, _ in steps)}: all good in {time.monotonic() - started:.0f} s")
    return 0


def call(command: Sequence[str]) -> int:
    """Run a command to its end; its exit code, 128 + n when signal n ended it."""
    with subprocess.Popen(command, cwd=ROOT) as child:
        while True:
            # An interrupt reaches the child as well, which may want time to end in good order.
            with contextlib.suppress(KeyboardInterrupt):
                code = child.wait()
                return code if code >= 0 else 128 - code


def not_run(names: Sequence[str]) -> str:
    """The part of a summary that says which steps were not reached."""
    return f"; not run: {', '.join(names)}" if names else ""


def set_up() -> None:
    """Make the environment anew unless it is the one that the lock, the project, its place and this Python ask for."""
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text(encoding="ascii") == wanted:
        return
    if Path(sys.prefix).resolve() == VENV.resolve():
        fail("the environment is out of date and cannot renew itself: run x.py with a Python outside .venv", 2)
    started = time.monotonic()
    say("x.py: making .venv and installing what requirements.lock names; this happens once")
    try:
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        fail(
            f"cannot make .venv: {error}; Python's venv and ensurepip are needed (Debian: apt install python3-venv)", 1
        )
    pip("install", "--require-hashes", "--requirement", str(LOCK))
    # What builds papertape is in the lock, so the project itself fetches nothing.
    pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    STAMP.write_text(wanted, encoding="ascii")
    say(f"x.py: set up in {time.monotonic() - started:.0f} s")


def fingerprint() -> str:
    """A hash of all that the environment depends on."""
    digest = hashlib.sha256(f"{ROOT}\n{sys.version}\n".encode())
    for path in (LOCK, ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def pip(*args: str) -> None:
    """Run the environment's pip with its output on standard error; ends x.py when pip fails."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", *args, "--quiet", "--quiet", "--no-input"]
    code = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode
    if code:
        fail(f"pip could not {' '.join(args)} (exit code {code}); its reason stands above", 1)


def say(text: str) -> None:
    """Speak on standard error: standard output belongs to the task."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def fail(text: str, code: int) -> NoReturn:
    """End x.py with a reason and an exit code."""
    say(f"x.py: {text}")
    raise SystemExit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
