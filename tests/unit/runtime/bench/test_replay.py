from msgspec import to_builtins

from papertape.core.actions import BenchReplay
from papertape.runtime.bench.replay import run
from papertape.runtime.shell import Shell


def test_every_rate_is_measured_and_the_first_start_compiles():
    result = run(BenchReplay(records=4_000), Shell()).response
    rates = [value for name, value in to_builtins(result).items() if name.endswith("_per_s")]
    assert len(rates) == 8
    assert min(rates) > 0
    assert result.data_mb == 0.3
    assert result.jit_first_s > result.jit_cached_s > 0
