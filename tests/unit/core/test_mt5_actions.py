import msgspec
import pytest

from papertape.core.mt5_actions import Mt5Gateway


def test_defaults_are_loopback_and_a_native_terminal() -> None:
    request = msgspec.convert({"token_file": "t"}, Mt5Gateway)
    assert (request.host, request.port, request.terminal, request.poll_ms) == ("127.0.0.1", 9871, "native", 2)


@pytest.mark.parametrize(
    "wrong", [{"port": 70_000}, {"terminal": "other"}, {"poll_ms": 0}, {"speed": 0}, {"login": -1}]
)
def test_what_it_must_not_hold_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"token_file": "t"} | wrong, Mt5Gateway)
