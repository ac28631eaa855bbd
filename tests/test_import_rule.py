"""The import rule holds, and each of its contracts breaks when an import crosses it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"

VIOLATIONS = [
    ("house", "core/planted.py", "import papertape.tape"),
    ("house", "data/planted.py", "import papertape.paper_trading"),
    ("house", "tape/planted.py", "import papertape.runtime"),
    ("venue", "venue/planted.py", "from papertape.data import wire"),
    ("venue", "venue/planted.py", "import papertape.paper_trading.engine"),
    ("box", "data/planted.py", "import papertape.venue"),
    ("testing", "runtime/planted.py", "def late():\n    import papertape.testing"),
    ("pure", "paper_trading/engine/planted.py", "import time"),
    ("pure", "data/wire/binance/planted.py", "from os import path"),
    ("pure", "core/planted.py", "def late():\n    import random"),
    ("pure", "data/quality/planted.py", "import papertape.tape.reels"),
    ("files", "tape/planted.py", "import socket"),
]


@pytest.fixture
def tree(tmp_path: Path, root: Path) -> Path:
    shutil.copy(root / "pyproject.toml", tmp_path)
    shutil.copytree(root / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def lint(tree: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LINT_IMPORTS, "--no-cache", *args]
    environment = os.environ | {"PYTHONPATH": str(tree / "src"), "PYTHONUTF8": "1", "COLUMNS": "200"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def test_the_house_stands(tree: Path) -> None:
    done = lint(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize(("contract", "path", "code"), VIOLATIONS, ids=lambda value: value.splitlines()[-1].strip())
def test_a_violation_is_seen(tree: Path, contract: str, path: str, code: str) -> None:
    (tree / "src" / "papertape" / path).write_text(code + "\n", encoding="utf-8")
    done = lint(tree, "--contract", contract)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
    assert "planted" in done.stdout
