import pytest

from papertape.data.wire.endpoints import USABLE, Endpoints

A, B, C = "wss://a.example", "wss://b.example:9443", "wss://b.example:443"


def test_the_first_is_preferred_until_it_fails_twice_and_again_once_recovered() -> None:
    servers = Endpoints([A, B], recovery_s=60)
    assert servers.choose(0) == servers.preferred == A
    servers.failed(A, 0)
    assert servers.choose(0) == A, "once may be chance"
    servers.failed(A, 1)
    assert servers.choose(1) == B
    assert servers.better_than(B, 1) is None
    assert servers.better_than(B, 40) == A
    assert servers.better_than(A, 40) is None


def test_healthy_data_forgives() -> None:
    servers = Endpoints([A, B])
    servers.failed(A, 0)
    servers.succeeded(A, 1)
    servers.failed(A, 2)
    assert servers.choose(2) == A


def test_connections_that_fail_together_are_one_failure() -> None:
    servers = Endpoints([A, B])
    for _ in range(5):
        servers.failed(A, 7.0)
    assert servers.choose(7.0) == A


def test_when_none_is_usable_the_healthiest_is_tried() -> None:
    servers = Endpoints([A, B])
    for second in range(3):
        servers.failed(A, second)
    for second in range(2):
        servers.failed(B, 1 + second)
    assert servers.choose(2) == B
    assert servers.score(B, 2) < USABLE
    assert servers.better_than(C, 0) is None


def test_a_legal_refusal_bars_the_host_for_good() -> None:
    servers = Endpoints([B, C, A])
    servers.failed(B, 0, 451)
    assert servers.choose(1e9) == A, "the other port of that host is the same host"
    assert [one.barred for one in servers.health(0)] == [True, True, False]
    servers.failed(A, 0, 451)
    assert servers.choose(1e9) is None
    assert servers.better_than(A, 1e9) is None


@pytest.mark.parametrize("status", [None, 403, 429, 503])
def test_other_refusals_pass(status: int | None) -> None:
    servers = Endpoints([A])
    servers.failed(A, 0, status)
    assert servers.choose(0) == A


def test_scores_stay_between_0_and_1_and_recover() -> None:
    servers = Endpoints([A], recovery_s=10)
    for second in range(20):
        before = servers.score(A, second)
        servers.failed(A, second)
        assert 0 <= servers.score(A, second) == pytest.approx(before / 2)
    lost = 1 - servers.score(A, 19)
    assert servers.score(A, 29) == pytest.approx(1 - lost / 2)
    assert servers.score(A, 1000) == pytest.approx(1)


def test_what_is_not_among_them_changes_nothing() -> None:
    servers = Endpoints([A])
    servers.failed(B, 0, 451)
    servers.succeeded(B, 0)
    assert [(one.url, one.score, one.barred) for one in servers.health(0)] == [(A, 1.0, False)]
