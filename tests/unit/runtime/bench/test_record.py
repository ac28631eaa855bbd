import pytest

from papertape.core.actions import BenchRecord
from papertape.runtime.bench.record import run
from papertape.runtime.shell import Shell


@pytest.mark.parametrize("rate", [0, 10_000])
def test_every_frame_goes_through_sockets_onto_a_tape(rate):
    result = run(BenchRecord(frames=2_000, rate=rate), Shell()).response
    assert result.frames_per_s > 0
    assert result.cpu_us_per_frame > 0
    assert 0 <= result.latency_us.p50 <= result.latency_us.p99
