"""The market that `papertape paper` trades on, whatever brings it: a Binance session, or a venue plug-in."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from papertape.runtime.config import Config
from papertape.runtime.live_view import Feed
from papertape.runtime.metrics import metrics_of
from papertape.runtime.recording import Source, listen, open_recording
from papertape.runtime.sources import made_sources
from papertape.runtime.sources_recording import open_sources_recording
from papertape.runtime.tape_intake import TapeIntake
from papertape.tape.market_writer import MarketWriter


class PaperMarket(NamedTuple):
    """One venue that is written onto a tape."""

    name: str
    servers: Sequence[str]
    writer: MarketWriter
    intake: TapeIntake
    feed: Feed
    listen: Callable[[float | None], Awaitable[bool]]
    """Runs until the time is up, a signal comes or it fails; True when interrupted."""
    end: Callable[[], None]
    """Writes what still waits."""
    reconnects: Callable[[], int]


@asynccontextmanager
async def binance_market(
    source: Source, metrics: int | None, tape: Path, note: Callable[..., None]
) -> AsyncIterator[PaperMarket]:
    """A Binance market onto the tape `tape`; its metrics are served at the port `metrics`."""
    async with open_recording(source, tape, None, note) as one, metrics_of(one, metrics, note):
        yield PaperMarket(
            source.rules.venue,
            source.ws_urls,
            one.writer,
            one.intake,
            Feed.of(one),
            lambda seconds: listen(one, seconds),
            one.recorder.end,
            lambda: one.session.links.reconnects,
        )


@asynccontextmanager
async def plugged_market(
    venue: str, symbols: Sequence[str], url: str, config: Config, tape: Path, note: Callable[..., None]
) -> AsyncIterator[PaperMarket]:
    """A venue plug-in onto the tape `tape`."""
    async with made_sources([venue], config, note, symbols, url) as made:
        source = made[venue]
        async with open_sources_recording(tape, made, symbols, [venue], note) as one:
            feed = Feed(
                lambda: one.recording.tally.batches,
                "batches",
                lambda: source.health().records > 0,
                one.recording.intake.latency.quantile_us,
            )
            yield PaperMarket(
                source.venue,
                [url] if url else [],
                one.writer,
                one.recording.intake,
                feed,
                one.listen,
                one.recording.intake.flush,
                lambda: source.health().reconnects,
            )
