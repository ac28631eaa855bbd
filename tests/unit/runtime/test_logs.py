import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from papertape.runtime import logs
from papertape.runtime.logs import start_logs


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path))
    yield tmp_path
    for handler in logging.getLogger("papertape").handlers:
        handler.close()
    logging.getLogger("papertape").handlers = []


def test_a_line_is_json_in_the_file_and_readable_on_standard_error(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logs("record").info("connection ended", connection=1, why="cut")
    line = json.loads((home / "logs" / "record.log").read_text())
    assert (line["event"], line["connection"], line["why"], line["level"]) == ("connection ended", 1, "cut", "info")
    assert line["timestamp"].endswith("Z")
    said = capsys.readouterr()
    assert said.out == ""
    assert "connection ended" in said.err


def test_files_rotate_and_are_bounded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES_MAX", 2000)
    monkeypatch.setattr(logs, "FILES_KEPT", 3)
    logger = start_logs("record")
    for number in range(200):
        logger.info("a line", number=number)
    files = sorted((home / "logs").iterdir())
    assert [file.name for file in files] == ["record.log", "record.log.1", "record.log.2", "record.log.3"]
    assert all(file.stat().st_size <= 2000 for file in files)
    assert json.loads(files[0].read_text().splitlines()[-1])["number"] == 199


def test_without_a_place_for_the_file_the_screen_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "file").touch()
    monkeypatch.setenv("PAPERTAPE_HOME", str(home / "file"))
    start_logs("record").info("a line")
    said = capsys.readouterr().err
    assert f"no log file: {home / 'file' / 'logs'}" in said
    assert "a line" in said
