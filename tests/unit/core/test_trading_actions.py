import msgspec
import pytest

from papertape.core.trading_actions import Paper


@pytest.mark.parametrize(
    "wrong", [{"venue": 5}, {"leverage": 0}, {"seconds": 0}, {"seed": -1}, {"strategy": "one:One"}]
)
def test_what_a_request_must_not_hold_is_refused(wrong: dict[str, object]) -> None:
    asked = {"venue": "binance-spot", "strategy": ["one:One"]}
    assert msgspec.convert(asked, Paper).leverage == 10
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(asked | wrong, Paper)
