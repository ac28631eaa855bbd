from papertape.core.actions import BenchReplay
from papertape.runtime.bench.replay import run
from papertape.runtime.shell import Shell


def test_every_rate_is_measured_and_the_first_start_compiles():
    result = run(BenchReplay(records=4_000), Shell()).response
    assert min(result.level_updates_per_s, result.quotes_per_s, result.plain_level_updates_per_s) > 0
    assert result.jit_first_s > result.jit_cached_s > 0
