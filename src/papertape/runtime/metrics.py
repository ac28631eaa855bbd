"""`--metrics PORT`: what a recording counts and how its connections are, served to Prometheus on this machine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from papertape.data.connectors.http_listen import listening
from papertape.data.connectors.link_metrics import CONTENT_TYPE, Metric, exposition, health_metrics
from papertape.runtime.recording import Recording

HOST = "127.0.0.1"
PATH = "/metrics"


@asynccontextmanager
async def metrics_of(recording: Recording, port: int | None, note: Callable[..., None]) -> AsyncIterator[None]:
    """Serve the metrics of a recording while the block runs; nothing without a port.

    `note` is told where. Raises InputError for a port that is taken.
    """
    if port is None:
        yield
        return

    async def text() -> str:
        health = await recording.session.links.monitor_connection_health()
        venue = recording.machine.rules.venue
        return exposition([*health_metrics(health, venue), *_counts(recording, venue)])

    async with serving(text, port) as taken:
        note("metrics are served", url=f"http://{HOST}:{taken}{PATH}")
        yield


def _counts(recording: Recording, venue: str) -> list[Metric]:
    machine = recording.machine
    of_all = (
        ("tape_records_total", "Records on the tape, of whatever kind.", recording.writer.next_seq),
        ("malformed_total", "Frames that could not be read.", machine.malformed),
        ("ignored_total", "Frames of streams that are not handled.", machine.ignored),
        ("resyncs_total", "Local books put in step again by a snapshot.", recording.recorder.resyncs),
    )
    return [Metric(name, "counter", text, [({"venue": venue}, value)]) for name, text, value in of_all]


@asynccontextmanager
async def serving(text: Callable[[], Awaitable[str]], port: int) -> AsyncIterator[int]:
    """Answer `GET /metrics` with `text` while the block runs; gives the port. Raises InputError for one that is taken."""

    async def answer(request: web.Request) -> web.Response:
        # A page in a browser on this machine must not read it: it would send an Origin, or a name of its own as Host.
        if "Origin" in request.headers or request.url.host not in (HOST, "localhost"):
            raise web.HTTPForbidden(text="expected a request of a program on this machine, was one of a web page")
        return web.Response(body=(await text()).encode(), headers={"Content-Type": CONTENT_TYPE})

    application = web.Application()
    application.router.add_get(PATH, answer)
    async with listening(application, HOST, port) as taken:
        yield taken
