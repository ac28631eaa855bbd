from pathlib import Path

import pytest

from papertape import __version__
from papertape.core.actions import ConfigCheck, ConfigShow, Init, Version
from papertape.core.errors import ConfigError, InputError, StoreError
from papertape.runtime.about import config_check, config_show, init, version
from papertape.runtime.config import load_config
from papertape.runtime.shell import Shell
from papertape.runtime.strategies import load_strategy


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_version() -> None:
    response = version(Version(), Shell()).response
    assert response.papertape == __version__


def test_init_writes_a_config_that_is_right_and_never_overwrites(home: Path) -> None:
    init(Init(directory="new/folder"), Shell())
    file = home / "new" / "folder" / "papertape.toml"
    assert load_config(file) == load_config(None)
    assert type(load_strategy(f"{home / 'new' / 'folder' / 'strategy.py'}:MyStrategy")).__name__ == "MyStrategy"
    file.write_text("# mine\n")
    with pytest.raises(InputError, match="papertape.toml is there already"):
        init(Init(directory="new/folder"), Shell())
    assert file.read_text() == "# mine\n"


def test_init_where_nothing_can_be_written(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(StoreError, match="file"):
        init(Init(directory="file/below"), Shell())


def test_config_check_and_show_take_the_file_in_force(home: Path) -> None:
    assert config_check(ConfigCheck(), Shell()).response.file is None
    (home / "papertape.toml").write_text("[real_time.crypto]\nwebsocket_timeout = 5\n")
    shown = config_show(ConfigShow(), Shell()).response
    assert shown.file == str(home / "papertape.toml")
    assert shown.config["real_time"]["crypto"]["websocket_timeout"] == 5
    (home / "bad.toml").write_text("x = 1\n")
    with pytest.raises(ConfigError, match="bad.toml"):
        config_check(ConfigCheck(file="bad.toml"), Shell())
