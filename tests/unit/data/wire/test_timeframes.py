import pytest

from papertape.core.errors import DataError
from papertape.data.wire.timeframes import interval_ns

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("M1", 60),
        ("1m", 60),
        ("M15", 900),
        ("15m", 900),
        ("H1", 3600),
        ("1h", 3600),
        ("H4", 14400),
        ("D1", 86400),
        ("1d", 86400),
        ("1s", 1),
        ("5s", 5),
    ],
)
def test_both_spellings_are_read(text: str, seconds: int) -> None:
    assert interval_ns(text) == seconds * SECOND


@pytest.mark.parametrize(
    "text", ["", "1M", "MN1", "W1", "1w", "m1", "0m", "M0", "M", "5", "1m ", "M99999", "1mm", "M1m"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="expected a timeframe"):
        interval_ns(text)
