import sys

import pytest

from papertape.runtime.bench.memory import peak_rss_mb


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a process its peak this way")
def test_the_peak_grows_with_what_is_used():
    before = peak_rss_mb()
    block = bytearray(b"x") * (64 << 20)
    assert len(block) == 64 << 20
    assert before > 10
    assert peak_rss_mb() >= max(before, 64)
