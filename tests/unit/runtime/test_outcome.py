import msgspec

from papertape.runtime.outcome import Outcome


def test_an_answer_alone_ends_well() -> None:
    outcome = Outcome(msgspec.Struct())
    assert (outcome.exit_code, outcome.error) == (0, None)
