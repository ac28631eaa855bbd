import msgspec

from papertape.core.action_parts import Action


class Asked(msgspec.Struct, frozen=True):
    """What is asked.

    And more.
    """


def test_the_summary_is_the_first_paragraph() -> None:
    assert Action("ask", Asked, Asked).summary == "What is asked."
