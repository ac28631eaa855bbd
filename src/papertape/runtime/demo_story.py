"""The ending of `demo` for people: what just happened, where the tape is, what to try next."""

import shlex
from collections.abc import Iterator

from papertape.core.actions import DemoResult


def story(result: DemoResult) -> str:
    """Some short paragraphs; commands stand on lines of their own."""
    tape = shlex.quote(result.tape)
    made = "reels were played" if result.seed is None else f"a small market was made from seed {result.seed} and played"
    return "\n".join(
        [
            "What just happened",
            f"  In an exchange in a box on this machine, {made}: {result.venue} {result.symbol}.",
            "  papertape connected to it over real sockets, as it would to the venue itself, judged",
            f"  {result.frames} frames, kept its own order book, and wrote {result.market_records} market records onto a",
            f"  tape, {result.prints} trades among them. Then it read the tape back and played it again.",
            "",
            *(f"  {'ok   ' if good else 'WRONG'}  {text}" for good, text in _checks(result)),
            "",
            f"The tape is kept: {result.tape}",
            "",
            "Try next",
            "  # play the tape again: the state hash is the same, every time",
            f"  papertape replay {tape}",
            "  # check every byte of it",
            f"  papertape verify {tape}",
            "  # record a live market for a minute; no account is needed",
            "  papertape record --venue binance-spot --symbols BTCUSDT --tape live --seconds 60",
        ]
    )


def _checks(result: DemoResult) -> Iterator[tuple[bool, str]]:
    compared = f"compared {result.book_checks} times with the venue's best prices and sizes"
    yield not result.book_mismatches, f"book: {compared}, {result.book_mismatches} differed"
    yield not result.sequence_breaks, f"order: {result.sequence_breaks} breaks in the venue's sequence of updates"
    yield result.verified, "tape: checksums, chain, order and continuity of every record"
    equal = "the same state live and replayed" if result.same else f"live state {result.live_hash[:16]}…, replayed"
    yield result.same, f"replay: {equal}, {result.replay_hash[:16]}…"
