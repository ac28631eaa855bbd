from papertape.core.records import NO_ID, WHOLE, Flag, GapCause, Kind, RecordBuffer, Verdict, as_records
from papertape.runtime.tally import Tally


def test_each_number_has_its_own_counts() -> None:
    buffer = RecordBuffer()

    def print_(number: int, ident: int, flags: int = 0, verdict: int = 0) -> None:
        buffer.pack(0, 1, Kind.PRINT, WHOLE | flags, number, verdict, 5, 1, 0, 0, ident)

    print_(3, 7)
    buffer.pack(0, 1, Kind.GAP, WHOLE, 3, 0, GapCause.IDS_MISSING, 0, 8, 10, Kind.PRINT)
    buffer.pack(0, 1, Kind.GAP, WHOLE, 3, 0, GapCause.CONNECTION_LOST, 0, NO_ID, NO_ID, Kind.PRINT)
    print_(3, 11)
    print_(3, 8, Flag.BACKFILL)
    print_(3, 8, 0, Verdict.DUPLICATE)
    buffer.pack(0, 1, Kind.QUOTE, WHOLE, 4, Verdict.DIVERGENT, 5, 1, 6, 1, 1)
    buffer.pack(0, 1, Kind.SOURCE, WHOLE, 3, 0, 0, 0, 4, 3, 1)
    tally = Tally()
    for _ in range(2):
        tally.add(as_records(buffer.take()))
    three, four = tally.of(3), tally.of(4)
    assert (three.print_ids, three.missing, three.duplicates, three.divergent) == ((7, 11), 2, 1, 0)
    assert (four.print_ids, four.missing, four.divergent) == (None, 0, 1)
    assert tally.switches == {3: 1}
    assert (tally.verdicts[Verdict.DUPLICATE], tally.verdicts[Verdict.DIVERGENT]) == (1, 1)
