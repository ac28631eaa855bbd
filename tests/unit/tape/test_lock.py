import subprocess
import sys

import pytest

from papertape.core.errors import StoreError, TapeLocked
from papertape.tape.lock import take_lock


def test_one_holder_at_a_time(tmp_path):
    lock = take_lock(tmp_path)
    with pytest.raises(TapeLocked, match=str(tmp_path)):
        take_lock(tmp_path)
    lock.release()
    take_lock(tmp_path).release()


def test_a_killed_process_gives_it_back(tmp_path):
    code = (
        f"import sys;sys.path[:0]={sys.path!r}\nfrom pathlib import Path\nfrom papertape.tape.lock import take_lock\n"
    )
    code += f"lock = take_lock(Path({str(tmp_path)!r})); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(TapeLocked):
            take_lock(tmp_path)
        holder.kill()
        holder.wait()
        take_lock(tmp_path).release()


def test_a_missing_track_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="file"):
        take_lock(tmp_path / "file")
