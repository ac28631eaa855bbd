import pytest

from papertape.core.errors import StoreError, TapeCorrupt
from papertape.tape.layout import SEGMENT_HEADER_BYTES
from papertape.tape.market_writer import MarketWriter
from papertape.tape.segment import list_segments
from papertape.tape.segment_view import view_segment


@pytest.fixture
def sealed(tape, events):
    with MarketWriter.open(tape) as writer:
        writer.append(events(0, 10))
        writer.append(events(10, 10))
    return list_segments(tape / "market")[0][1]


def test_a_sealed_segment(sealed):
    view = view_segment(sealed, 0, check=True, is_last=False)
    assert (view.scan.next_seq, view.scan.blocks, view.scan.damage) == (20, 2, None)
    assert isinstance(view.data, memoryview)
    assert view.start_of(0) == (SEGMENT_HEADER_BYTES, 0)
    assert view.start_of(9) == (SEGMENT_HEADER_BYTES, 0)
    assert view.start_of(10) == (SEGMENT_HEADER_BYTES + 11 * 64, 10)
    assert view.start_of(20) == (view.scan.end, 20)
    view.raise_damage()


@pytest.mark.parametrize("check", [True, False])
def test_a_segment_before_another_must_be_sealed(sealed, check):
    sealed.write_bytes(sealed.read_bytes()[:-64])
    view = view_segment(sealed, 0, check=check, is_last=False)
    assert view.scan.next_seq == 20
    with pytest.raises(TapeCorrupt, match=r"expected a seal.*not_sealed"):
        view.raise_damage()
    view_segment(sealed, 0, check=check, is_last=True).raise_damage()


def test_a_seal_behind_damage_is_no_torn_tail(sealed):
    data = bytearray(sealed.read_bytes())
    data[-70] ^= 1
    sealed.write_bytes(data)
    view = view_segment(sealed, 0, check=True, is_last=True)
    assert view.scan.next_seq == 10
    with pytest.raises(TapeCorrupt, match="record_crc"):
        view.raise_damage()
    assert view_segment(sealed, 0, check=False, is_last=True).scan.next_seq == 20


@pytest.mark.parametrize("raw", [b"", bytes(512), bytes(100_000), b"PTAPE"])
def test_a_last_segment_that_is_being_made(sealed, raw):
    sealed.write_bytes(raw)
    assert view_segment(sealed, 0, check=True, is_last=True) is None
    with pytest.raises(TapeCorrupt):
        view_segment(sealed, 0, check=True, is_last=False)


def test_a_segment_under_another_name(sealed):
    with pytest.raises(TapeCorrupt, match="that of seq 0"):
        view_segment(sealed, 5, check=True, is_last=True)
    with pytest.raises(StoreError, match="gone"):
        view_segment(sealed.with_name("gone"), 0, check=True, is_last=True)
