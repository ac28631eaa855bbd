"""The files of the project, as the tidy tests see them."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "src/papertape/"
NOT_OURS = {".git", ".venv", ".bench-peers", "dist", "build", "htmlcov", "__pycache__"}


def in_package(path: str) -> bool:
    return path.startswith(PACKAGE)


def our_files(root: Path = ROOT) -> Iterator[Path]:
    """Every file of the project; what tools made is left out."""
    for path in sorted(root.iterdir()):
        if path.name in NOT_OURS or path.name.endswith((".egg-info", "_cache", ".hypothesis")):
            continue
        if path.is_dir():
            yield from our_files(path)
        else:
            yield path


PYTHON_FILES = [path.relative_to(ROOT).as_posix() for path in our_files() if path.suffix == ".py"]
MODULES = [path for path in PYTHON_FILES if in_package(path) and not path.endswith("/__init__.py")]
