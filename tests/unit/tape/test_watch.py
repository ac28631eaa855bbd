import sys
import threading

import pytest

from papertape.tape import watch
from papertape.tape.watch import DirectoryWatch


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")
def test_a_change_wakes_the_waiter(tmp_path):
    seen = DirectoryWatch(tmp_path)
    woken = threading.Event()

    def wait() -> None:
        seen.wait(60)
        woken.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    (tmp_path / "file").write_bytes(b"x")
    assert woken.wait(30)
    waiter.join()
    seen.close()
    seen.close()


def test_a_change_before_the_wait_is_not_lost(tmp_path):
    seen = DirectoryWatch(tmp_path)
    (tmp_path / "file").write_bytes(b"x")
    seen.wait(60)
    seen.wait(0)
    seen.close()


def test_without_inotify_it_sleeps_shortly(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "_inotify", lambda _: None)
    seen = DirectoryWatch(tmp_path)
    seen.wait(3600)
    seen.close()


def test_a_missing_directory_is_watched_by_sleeping(tmp_path):
    seen = DirectoryWatch(tmp_path / "none")
    seen.wait(3600)
    seen.close()
