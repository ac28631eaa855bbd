"""Venues by name: the entry points of the group `papertape.venues`, and `file.py:Class` for one that is not installed."""

from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any

from papertape.core.errors import InputError, UsageError
from papertape.data.venue_port import Venue
from papertape.runtime.strategies import module_of

GROUP = "papertape.venues"
PARTS = ("name", "url", "machine", "target", "requests")


def venue_names() -> list[str]:
    """The names of all venues that installed packages bring."""
    return sorted(one.name for one in entry_points(group=GROUP))


def check_named(text: str, own: Sequence[str]) -> None:
    """Raise UsageError for a bare name that is none of an installed venue; `own` are those that need no plug-in."""
    if ":" not in text and text not in venue_names():
        raise UsageError(
            f"--venue: expected one of {', '.join([*own, *venue_names()])}, or file.py:Class, was {text!r}"
        )


def load_venue(text: str) -> Venue:
    """The venue plug-in of that name, or of `module:Class` or `file.py:Class`.

    Raises InputError that says what is not there, and what is.
    """
    place, _, class_name = text.rpartition(":")
    found: Any = None
    if place:
        found = getattr(module_of(place), class_name, None)
    else:
        for one in entry_points(group=GROUP, name=text):
            found = one.load()
    if found is None:
        there = ", ".join(venue_names()) or "none"
        raise InputError(
            f"expected a venue, or file.py:Class, was {text!r}; the venues of installed packages are: {there}"
        )
    venue = found() if isinstance(found, type) else found
    if missing := [part for part in PARTS if not hasattr(venue, part)]:
        raise InputError(
            f"{text} is no venue: expected the attributes {', '.join(PARTS)}, {', '.join(missing)} missing"
        )
    plugged: Venue = venue
    return plugged
