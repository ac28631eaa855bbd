from pathlib import Path

import platformdirs
import pytest

from papertape.runtime.home import config_file, data_directory, log_directory


def test_the_variable_wins_over_the_platforms_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path / "mine"))
    assert data_directory() == tmp_path / "mine"
    assert log_directory() == tmp_path / "mine" / "logs"
    monkeypatch.setenv("PAPERTAPE_HOME", "")
    assert data_directory() == platformdirs.user_data_path("papertape", appauthor=False)


def test_the_working_folders_config_comes_before_the_data_directorys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("PAPERTAPE_HOME", str(home))
    monkeypatch.chdir(work)
    assert config_file() is None
    (home / "papertape.toml").touch()
    assert config_file() == home / "papertape.toml"
    (work / "papertape.toml").touch()
    assert config_file() == work / "papertape.toml"
