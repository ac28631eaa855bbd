"""The environment of the packages that papertape is measured beside: `.bench-peers`, apart from papertape's own."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".bench-peers"
PINNED = ("ccxt==4.5.90", "cryptofeed==2.4.1", "hftbacktest==2.4.4", "nautilus_trader==1.221.0", "orjson==3.13.0")
STAMP = FOLDER / "pinned.txt"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def ready() -> Path:
    """The Python that has the pinned packages; the first call installs them."""
    if not STAMP.exists() or STAMP.read_text(encoding="ascii") != "\n".join(PINNED):
        sys.stderr.write(f"making .bench-peers with {', '.join(PINNED)}; this happens once\n")
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(FOLDER)
        command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *PINNED]
        subprocess.run(command, check=True, stdout=sys.stderr)
        STAMP.write_text("\n".join(PINNED), encoding="ascii")
    return PYTHON


def answer_of(python: Path | str, *args: str) -> dict[str, Any]:
    """Run a side to its end; the JSON object in the last line of its output."""
    done = subprocess.run([str(python), *args], check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def show(rows: dict[str, dict[str, Any]]) -> None:
    """A table: a line per side, a column per figure."""
    names = list(next(iter(rows.values())))
    sys.stdout.write(f"{'':22}" + "".join(f"{name:>22}" for name in names) + "\n")
    for side, figures in rows.items():
        sys.stdout.write(f"{side:22}" + "".join(f"{figures[name]:>22,}" for name in names) + "\n")
