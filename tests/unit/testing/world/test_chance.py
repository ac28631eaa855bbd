from papertape.testing.world.chance import Chance


def drawn(chance, count=600):
    return [chance.bits() for _ in range(count)]


def test_draws_depend_on_seed_purpose_and_key_alone():
    first = drawn(Chance(1, "a"))
    other = Chance(1, "b")
    mixed = Chance(1, "a")
    assert first == [(mixed.bits(), other.bits())[0] for _ in range(600)]
    assert (
        len({tuple(first), tuple(drawn(Chance(2, "a"))), tuple(drawn(Chance(1, "b"))), tuple(drawn(Chance(1, "a", 1)))})
        == 4
    )


def test_bounds_are_kept_and_reached():
    chance = Chance(3, "bounds")
    assert {chance.below(4) for _ in range(200)} == {0, 1, 2, 3}
    assert {chance.between(-1, 1) for _ in range(200)} == {-1, 0, 1}
    assert {chance.pick("xy") for _ in range(100)} == {"x", "y"}
    assert all(0.5 <= chance.seconds(0.5, 1.0) <= 1.0 for _ in range(200))
    assert not any(chance.happens(0) for _ in range(100))
    assert all(chance.happens(1_000) for _ in range(100))
    assert 300 < sum(chance.happens(400) for _ in range(1_000)) < 500
