from papertape.paper_trading.engine.facts import NOTE, KeptFacts, NoFacts


def test_facts_are_kept_in_order_or_not_at_all() -> None:
    kept = KeptFacts()
    for place in (1, 2):
        kept.append(place, NOTE, [place])
        NoFacts().append(place, NOTE, [place])
    assert kept.records == [(1, NOTE, [1]), (2, NOTE, [2])]
