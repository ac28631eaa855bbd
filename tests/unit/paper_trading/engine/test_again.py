from papertape.paper_trading.engine.again import ComparedFacts, Recorded
from papertape.paper_trading.engine.facts import COMMAND, EVENTS, KeptFacts

TOLD = [(3, COMMAND, [7, 0, 1, "cancel", [4]]), (3, EVENTS, [[1, 2], [3, 4]])]


def test_events_are_compared_one_by_one_however_they_were_grouped() -> None:
    compared = ComparedFacts(Recorded.of(TOLD), (COMMAND, EVENTS))
    compared.append(3, COMMAND, [7, 0, 1, "cancel", (4,)])
    compared.append(3, EVENTS, [[1, 2]])
    compared.append(9, EVENTS, [[3, 4]])
    assert compared.finish() is None


def test_the_first_difference_is_told_and_what_did_not_come() -> None:
    compared = ComparedFacts(Recorded.of(TOLD), (COMMAND, EVENTS))
    compared.append(3, EVENTS, [[1, 2], [3, 5]])
    assert str(compared.finish()) == "events 1: recorded [3, 4], now [3, 5]"
    missing = ComparedFacts(Recorded.of(TOLD), (COMMAND,)).finish()
    assert missing is not None
    assert (missing.kind, missing.place, missing.now) == (COMMAND, 0, None)


def test_only_what_is_new_goes_beyond() -> None:
    kept = KeptFacts()
    compared = ComparedFacts(Recorded.of(TOLD), (COMMAND, EVENTS), kept)
    compared.append(3, EVENTS, [[1, 2], [3, 4], [5, 6]])
    assert kept.records == [(3, EVENTS, [[5, 6]])]
