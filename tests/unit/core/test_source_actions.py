import msgspec
import pytest

from papertape.core.source_actions import SymbolsSearch


def test_a_search_asks_the_configured_sources_for_ten() -> None:
    request = msgspec.convert({"text": "btc"}, SymbolsSearch)
    assert (request.source, request.limit) == ([], 10)


@pytest.mark.parametrize("limit", [0, 1001])
def test_what_it_must_not_hold_is_refused(limit: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"text": "btc", "limit": limit}, SymbolsSearch)
