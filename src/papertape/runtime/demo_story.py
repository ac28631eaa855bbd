"""The ending of `demo` for people: what just happened, where the tape is, what to try next."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from papertape.core.actions import DemoResult


def story(result: DemoResult, command: str) -> str:
    """Some short paragraphs; commands stand on lines of their own and begin with `command`."""
    tape = shlex.quote(result.tape)
    made = "Reels were played" if result.seed is None else f"A small market was made from seed {result.seed} and played"
    lines = [
        "What just happened",
        f"  {made} in an exchange in a box on this machine:",
        f"  {result.symbol} of {result.venue}. papertape connected to it over real sockets, as it",
        f"  would to the venue itself, judged {result.frames} frames, kept its own order book, and",
        f"  wrote {result.market_records} market records onto a tape, {result.prints} trades among them.",
        "  Then it read the tape back and played it again.",
        "",
        *(f"  {'ok   ' if good else 'WRONG'}  {text}" for good, text in _checks(result)),
        "",
        f"The tape is kept: {result.tape}",
        "",
        "Try next",
        "  # play the tape again: the state hash is the same, every time",
        f"  {command} replay {tape}",
        "  # check every byte of it",
        f"  {command} verify {tape}",
        "  # record a live market for a minute; no account is needed",
        f"  {command} record --venue binance-spot --symbols BTCUSDT --tape live --seconds 60",
    ]
    return "\n".join(lines)


def own_command() -> str:
    """How papertape is called from here: by its name, by the path of its script, or as a module."""
    script = Path(sys.executable).with_name("papertape")
    if shutil.which("papertape"):
        return "papertape"
    if script.exists():
        return shlex.quote(os.path.relpath(script) if script.is_relative_to(Path.cwd()) else str(script))
    return f"{shlex.quote(sys.executable)} -m papertape"


def _checks(result: DemoResult) -> Iterator[tuple[bool, str]]:
    compared = f"compared {result.book_checks} times with the venue's best prices and sizes"
    yield not result.book_mismatches, f"book: {compared}, {result.book_mismatches} differed"
    yield not result.sequence_breaks, f"order: {result.sequence_breaks} breaks in the venue's sequence of updates"
    yield result.verified, "tape: checksums, chain, order and continuity of every record"
    equal = "the same state live and replayed" if result.same else f"live state {result.live_hash[:16]}…, replayed"
    yield result.same, f"replay: {equal}, {result.replay_hash[:16]}…"
