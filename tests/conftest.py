"""What several test modules share."""

from pathlib import Path

import pytest
from hypothesis import settings

# No test asserts on wall time; a failure prints what repeats it.
settings.register_profile("papertape", deadline=None, print_blob=True)
settings.load_profile("papertape")

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
