"""What several test modules share."""

import os
from pathlib import Path

import platformdirs
import pytest
from hypothesis import settings

# No test asserts on wall time; a failure prints what repeats it.
settings.register_profile("papertape", deadline=None, print_blob=True)
settings.load_profile("papertape")

# Tests that give a command a home of its own still share the kernels that are compiled on this machine.
os.environ.setdefault("PAPERTAPE_CACHE", str(platformdirs.user_cache_path("papertape", appauthor=False)))

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT.parent / "shared" / "data" / "hftbacktest"


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Recorded Binance streams, which lie beside the checkout and not in it."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"recordings are absent: no {RECORDINGS}")
    return RECORDINGS
