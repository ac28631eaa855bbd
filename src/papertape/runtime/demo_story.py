"""The ending of `demo` for people: what just happened, where the tape is, what to try next."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from papertape.core.action_parts import AccountResult
from papertape.core.actions import DemoResult


def story(result: DemoResult, command: str) -> str:
    """Some short paragraphs; commands stand on lines of their own and begin with `command`."""
    tape, run = shlex.quote(result.tape), shlex.quote(str(Path(result.tape) / "runs" / result.run))
    made = "Reels were played" if result.seed is None else f"A market was made from seed {result.seed} and traded"
    lines = [
        "What just happened",
        f"  {made} in an exchange in a box on this machine: {', '.join(result.symbols)}.",
        f"  papertape connected to it over real sockets, as it would to {result.venue} itself,",
        f"  judged {result.frames} frames, kept its own order books, and wrote {result.market_records} market records onto a",
        f"  tape. Two strategies traded it on paper, with {result.orders} orders and {result.fills} fills:",
        "",
        *(f"  {_account(one)}" for one in result.accounts),
        "",
        "  Then it read the tape back and applied the run again.",
        "",
        *(f"  {'ok   ' if good else 'WRONG'}  {text}" for good, text in _checks(result)),
        "",
        f"The tape is kept: {result.tape}",
        "",
        "Try next",
        "  # apply the run again: the same fills, the same money, the same state, every time",
        f"  {command} replay {run}",
        "  # call its strategies again: they must send the same commands",
        f"  {command} replay {run} --rerun",
        "  # play the market alone, and check every byte of the tape",
        f"  {command} replay {tape}",
        f"  {command} verify {tape}",
        "  # a commented configuration and a strategy to start from",
        f"  {command} init",
    ]
    return "\n".join(lines)


def _account(one: AccountResult) -> str:
    """An account in one line; money is cut to cents for reading."""
    money = (f"{Decimal(value):,.2f}" for value in (one.equity, one.realised, one.fees))
    equity, realised, fees = money
    return f"{one.id:<8} equity {equity:>12}   realised {realised:>10}   fees {fees:>8}   fills {one.fills}"


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
