"""What the box remembers of its clients."""

from papertape.venue import log
from papertape.venue.log import VenueLog


def test_connections_have_numbers_and_minutes_their_sums() -> None:
    kept = VenueLog()
    assert [kept.opened("/ws", 1.0).number, kept.opened("/ws", 2.0).number] == [1, 2]
    kept.minute(7).weight += 5
    kept.minute(7).weight += 6
    kept.minute(8).requests += 1
    kept.count(kept.statuses, "200")
    kept.count(kept.statuses, "200")
    told = kept.told()
    assert told["opened"] == 2
    assert [one["path"] for one in told["connections"]] == ["/ws", "/ws"]
    assert [(one["minute"], one["weight"]) for one in told["rest"]["minutes"]] == [(7, 11), (8, 0)]
    assert told["rest"]["statuses"] == {"200": 2}


def test_it_is_bounded() -> None:
    kept = VenueLog()
    for number in range(log.CONNECTIONS_KEPT_MAX + 2):
        kept.opened("/ws", float(number))
    assert len(kept.connections) == log.CONNECTIONS_KEPT_MAX
    assert kept.told()["opened"] == log.CONNECTIONS_KEPT_MAX + 2
