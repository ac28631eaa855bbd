from papertape.core.actions import BenchTape
from papertape.runtime.bench import tape
from papertape.runtime.shell import Shell


def test_it_measures_in_the_working_folder_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tape, "THROUGHPUT_RECORDS", 20_000)
    result = tape.run(BenchTape(appends=20), Shell()).response
    assert 0 < result.append_sync_us_p50 <= result.append_sync_us_p99
    assert min(result.append_records_per_s, result.read_records_per_s) > 0
    assert list(tmp_path.iterdir()) == []
