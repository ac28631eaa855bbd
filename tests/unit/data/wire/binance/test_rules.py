"""The rules that join depth events, and what differs between the markets."""

import pytest

from papertape.data.wire.binance.rules import SPOT, USDM, VENUES, spot_follows, usdm_bridges, usdm_follows


@pytest.mark.parametrize(
    ("first", "final", "expected"), [(11, 11, True), (1, 11, True), (11, 99, True), (12, 99, False), (1, 10, False)]
)
def test_spot(*, first: int, final: int, expected: bool) -> None:
    assert spot_follows(10, first, final, -1) is expected


def test_usdm_never_takes_adjacent_ids_for_an_answer() -> None:
    assert not usdm_follows(10, 11, 12, 9)
    assert usdm_follows(10, 500, 600, 10)
    assert not usdm_bridges(10, 11, 12, 9)
    assert usdm_bridges(10, 11, 12, 10)
    assert usdm_bridges(10, 10, 10, 3)


def test_venues_are_found_by_name_and_split_as_the_hosts_are() -> None:
    assert VENUES == {"binance-spot": SPOT, "binance-usdm": USDM}
    assert dict(USDM.routes)["/public"] == ("bookTicker", "depth@100ms")
    assert "aggTrade" in dict(USDM.routes)["/market"]
    assert [path for path, _ in SPOT.routes] == [""]
