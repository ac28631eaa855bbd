import pytest

from papertape.core.actions import ACTIONS
from papertape.runtime.handlers import HANDLERS, handler


def test_every_action_has_a_handler_and_every_handler_an_action() -> None:
    assert list(HANDLERS) == [action.name for action in ACTIONS]


@pytest.mark.parametrize("name", HANDLERS)
def test_the_handler_is_there(name: str) -> None:
    assert callable(handler(name))
