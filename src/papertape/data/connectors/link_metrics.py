"""The health of a pool of connections in the Prometheus text format, version 0.0.4.

By Prometheus' page "Exposition formats": a HELP and a TYPE line for each metric, then its samples; seconds rather than
milliseconds, and counters that end in `_total`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from papertape.data.connectors.link_health import ConnectionHealth, HealthMetrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
Sample = tuple[Labels, float | None]


class Metric(NamedTuple):
    """One metric; samples without a value are left out. `name` goes without the prefix that all have."""

    name: str
    type: str
    help: str
    samples: list[Sample]


def exposition(metrics: Iterable[Metric]) -> str:
    """The text that a scrape is answered with."""
    lines: list[str] = []
    for metric in metrics:
        name = f"papertape_{metric.name}"
        lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.type}"]
        lines += [f"{name}{_text(labels)} {value!r}" for labels, value in metric.samples if value is not None]
    return "\n".join(lines) + "\n"


def health_metrics(health: HealthMetrics, venue: str) -> list[Metric]:
    """What a snapshot says: the pool by its venue, each connection by its number, server and route."""
    pool = {"venue": venue}
    offset_s = None if health.clock_offset_ms is None else health.clock_offset_ms / 1e3
    sums: tuple[tuple[str, str, str, float | None], ...] = (
        ("connections_open", "gauge", "Connections whose link is up.", health.open),
        ("messages_total", "counter", "Messages received.", health.messages),
        ("reconnects_total", "counter", "Connections that came up again after they were lost.", health.reconnects),
        ("rotations_total", "counter", "Connections replaced before they ended.", health.rotations),
        ("failovers_total", "counter", "Connections that came up on another server.", health.failovers),
        ("connection_attempts_total", "counter", "Attempts to connect.", health.attempts),
        ("doubles_dropped_total", "counter", "Messages that two connections brought.", health.doubles_dropped),
        ("dropped_total", "counter", "Messages that nobody read in time.", health.dropped),
        ("clock_offset_seconds", "gauge", "How far the venue's clock is ahead of ours.", offset_s),
    )
    links = [(_labels(one, venue), one) for one in health.connections]
    each: tuple[tuple[str, str, str, Callable[[ConnectionHealth], float | None]], ...] = (
        ("connection_age_seconds", "gauge", "Since the link came up.", lambda one: one.age_s),
        ("connection_silence_seconds", "gauge", "Since data was last seen.", lambda one: one.silence_s),
        ("connection_round_trip_seconds", "gauge", "Round trip of the latest ping.", _round_trip_s),
        ("connection_streams", "gauge", "Streams carried.", lambda one: one.streams),
        ("connection_stale_streams", "gauge", "Streams that are overdue.", lambda one: len(one.stale_streams)),
        ("connection_messages_total", "counter", "Messages received.", lambda one: one.messages),
        ("connection_reconnects_total", "counter", "How often it came up again.", lambda one: one.reconnects),
    )
    states: list[Sample] = [({**labels, "state": one.state}, 1) for labels, one in links]
    return [
        *(Metric(name, kind, text, [(pool, value)]) for name, kind, text, value in sums),
        Metric("connection_state", "gauge", "1 for the state that the connection is in.", states),
        *(Metric(name, kind, text, [(labels, of(one)) for labels, one in links]) for name, kind, text, of in each),
    ]


def _round_trip_s(one: ConnectionHealth) -> float | None:
    return None if one.rtt_ms is None else one.rtt_ms / 1e3


def _labels(one: ConnectionHealth, venue: str) -> Labels:
    return {"venue": venue, "connection": str(one.number), "endpoint": one.endpoint, "route": one.route}


def _text(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
