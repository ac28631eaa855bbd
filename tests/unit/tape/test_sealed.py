import pytest

from papertape.core.errors import StoreError
from papertape.tape.sealed import NAME, SealedSegment, append_sealed, read_sealed, replace_sealed

LINES = [SealedSegment(number * 10, number * 10 + 9, 2, "ab" * 32, "cd" * 16) for number in range(3)]


def test_lines_come_back_in_order(tmp_path):
    assert read_sealed(tmp_path) == ([], b"")
    for line in LINES:
        append_sealed(tmp_path, line)
    assert read_sealed(tmp_path) == (LINES, b"")


@pytest.mark.parametrize("rest", [b'{"first_seq":30,"la', b"\0\0\0\n", b'{"first_seq":"x"}\n'])
def test_what_cannot_be_read_is_told_apart(tmp_path, rest):
    replace_sealed(tmp_path, LINES)
    with (tmp_path / NAME).open("ab") as stream:
        stream.write(rest)
    assert read_sealed(tmp_path) == (LINES, rest)
    replace_sealed(tmp_path, LINES[:2])
    assert read_sealed(tmp_path) == (LINES[:2], b"")


def test_an_unreadable_list_is_named(tmp_path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(StoreError, match=NAME):
        read_sealed(tmp_path)
