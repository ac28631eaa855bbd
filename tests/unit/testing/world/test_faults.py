from papertape.testing.world.chance import Chance
from papertape.testing.world.faults import CALM_S, ONE_SYMBOL, PAUSES, UNKNOWN, Fault, FrameFault, Plan, Spell, plan_of

SYMBOLS = ("AAAUSDT", "BBBUSDT")


def test_a_plan_is_its_seeds_and_all_faults_come_to_be():
    plans = [plan_of(seed, SYMBOLS) for seed in range(200)]
    assert plans == [plan_of(seed, SYMBOLS) for seed in range(200)]
    assert {spell.fault for plan in plans for spell in plan.spells} == set(Fault)
    assert {fault for plan in plans for fault in plan.rates} == set(FrameFault)
    assert {route for plan in plans for route in plan.unknown} == set(UNKNOWN)
    assert any(plan.slow_start_s for plan in plans)
    amounts = {(spell.fault, spell.amount) for plan in plans for spell in plan.spells}
    assert {amount for fault, amount in amounts if fault is Fault.REST} == {0, 200, 429, 418, 451, 403, 500, 503}


def test_a_victim_suffers_alone():
    plans = [plan for plan in (plan_of(seed, SYMBOLS) for seed in range(200)) if plan.victim]
    assert plans
    for plan in plans:
        assert all(spell.symbol == plan.victim and spell.fault in ONE_SYMBOL for spell in plan.spells)
        other = next(symbol for symbol in SYMBOLS if symbol != plan.victim)
        chance = Chance(1, "frames")
        assert not any(plan.frame_fault(chance, 1.0, other) for _ in range(500))
        assert not any(plan.active(fault, spell.start_s, other) for fault in Fault for spell in plan.spells)


def test_some_recorders_are_killed_twice_while_the_venue_asks_to_wait():
    plans = [plan_of(seed, SYMBOLS) for seed in range(200)]
    assert {one.is_killed for plan in plans for one in plan.restarts} == {False, True}
    for plan in plans:
        assert list(plan.restarts) == sorted(plan.restarts)
        killed = [one.at_s for one in plan.restarts if one.is_killed]
        assert len(killed) % 2 == 0
        assert not killed or any(spell.amount in PAUSES for spell in plan.spells)
        bans = any(spell.fault is Fault.REST and spell.amount == 418 for spell in plan.spells)
        assert (plan.ends_s > plan.storm_s + CALM_S) is bans


def test_faults_end_with_the_storm():
    spell = Spell(Fault.STALE, 2.0, 4.0, 3)
    plan = Plan(10.0, "", {FrameFault.LOST: 400, FrameFault.TWICE: 500}, (spell,), (), 0.0, ())
    assert plan.active(Fault.STALE, 2.0) is spell
    assert plan.active(Fault.STALE, 4.0) is plan.active(Fault.REST, 3.0) is None
    chance = Chance(1, "frames")
    assert {plan.frame_fault(chance, 9.9, "X") for _ in range(300)} == {FrameFault.LOST, FrameFault.TWICE, None}
    assert {plan.frame_fault(chance, 10.0, "X") for _ in range(300)} == {None}
