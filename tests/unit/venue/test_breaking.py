"""The refusal of a banned address; what breaks stands in tests/integration/test_venue_faults.py, over real sockets."""

import re
import time

from papertape.venue.breaking import banned


def test_a_ban_names_its_end() -> None:
    before_ms = time.time() * 1000
    error = banned(90.5)
    until = re.search(r"IP banned until (\d+)\.", str(error))
    assert until
    assert 90_500 <= int(until[1]) - before_ms < 150_000
    assert (error.code, error.status, error.wait_s) == (-1003, 418, 91)
