import math
import re

from papertape.data.connectors.link_health import ConnectionHealth, HealthMetrics
from papertape.data.connectors.link_metrics import Metric, exposition, health_metrics

LINK = ConnectionHealth(
    number=3,
    endpoint="ws://a",
    route="/public",
    streams=4,
    state="healthy",
    age_s=5.5,
    silence_s=0.25,
    rtt_ms=12.5,
    messages=70,
    messages_per_s=7.0,
    reconnects=2,
    stale_streams=("a@trade",),
)
LABELS = 'venue="v",connection="3",endpoint="ws://a",route="/public"'


def test_a_snapshot_in_the_units_of_prometheus() -> None:
    text = exposition(health_metrics(HealthMetrics(connections=(LINK,), open=1, clock_offset_ms=-1.5), "v"))
    lines = text.splitlines()
    assert 'papertape_connections_open{venue="v"} 1' in lines
    assert 'papertape_clock_offset_seconds{venue="v"} -0.0015' in lines
    assert f'papertape_connection_state{{{LABELS},state="healthy"}} 1' in lines
    assert f"papertape_connection_age_seconds{{{LABELS}}} 5.5" in lines
    assert f"papertape_connection_round_trip_seconds{{{LABELS}}} 0.0125" in lines
    assert f"papertape_connection_messages_total{{{LABELS}}} 70" in lines
    assert f"papertape_connection_stale_streams{{{LABELS}}} 1" in lines


def test_what_is_not_known_has_no_sample() -> None:
    text = exposition(health_metrics(HealthMetrics(), "v"))
    assert "# TYPE papertape_clock_offset_seconds gauge" in text
    assert "papertape_clock_offset_seconds{" not in text


def test_a_label_is_escaped() -> None:
    (sample,) = exposition([Metric("a", "gauge", "A.", [({"b": 'x"\\\ny'}, 1)])]).splitlines()[2:]
    assert sample == 'papertape_a{b="x\\"\\\\\\ny"} 1'


def test_the_promises_of_the_text_format() -> None:
    """Each name is told once, before all its samples; counters end in _total and nothing else does; numbers are finite."""
    text = exposition(health_metrics(HealthMetrics(connections=(LINK, LINK), clock_offset_ms=1), "v"))
    assert text.endswith("\n")
    told: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in told
            told[name] = ""
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert list(told)[-1] == name
            assert (kind == "counter") == name.endswith("_total")
            told[name] = kind
        else:
            found = re.fullmatch(r'([a-z_]+)(?:\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})? (\S+)', line)
            assert found is not None, line
            assert list(told)[-1] == found[1]
            assert told[found[1]]
            assert math.isfinite(float(found[2]))
