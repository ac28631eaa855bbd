import sys
from pathlib import Path

import pytest

from papertape.core.errors import InputError
from papertape.runtime.venues import GROUP, load_venue, venue_names

EXAMPLE = Path(__file__).parents[3] / "examples" / "toy_venue.py"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package with a venue, as an installer leaves it."""
    (tmp_path / "acme_venue.py").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    facts = tmp_path / "acme_venue-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-venue\nVersion: 1.0\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text(f"[{GROUP}]\ntoy = acme_venue:ToyVenue\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("acme_venue", None)


def test_an_installed_venue_is_found_by_its_name(installed):
    assert "toy" in venue_names()
    venue = load_venue("toy")
    assert (venue.name, venue.target(["A", "B"])) == ("toy", "/feed?symbols=A,B")


def test_a_venue_in_a_file():
    assert load_venue(f"{EXAMPLE}:ToyVenue").name == "toy"


def test_what_is_no_venue(installed):
    with pytest.raises(InputError, match="was 'nowhere'; the venues of installed packages are: toy"):
        load_venue("nowhere")
    with pytest.raises(InputError, match="was '.*toy_venue.py:Nothing'"):
        load_venue(f"{EXAMPLE}:Nothing")
    with pytest.raises(InputError, match="is no venue: expected the attributes name, .* missing"):
        load_venue(f"{EXAMPLE}:FIELDS")
