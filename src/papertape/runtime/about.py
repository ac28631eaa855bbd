"""Small actions about papertape itself: version, init, config."""

import platform
from pathlib import Path

import msgspec

from papertape import __version__
from papertape.core.actions import (
    ConfigCheck,
    ConfigCheckResult,
    ConfigShow,
    ConfigShowResult,
    Init,
    InitResult,
    Version,
    VersionResult,
)
from papertape.core.errors import InputError, StoreError
from papertape.runtime.config import commented_config, load_config
from papertape.runtime.home import CONFIG_NAME, config_file, data_directory
from papertape.runtime.outcome import Outcome
from papertape.runtime.shell import Shell
from papertape.tape.layout import LAYOUT_VERSION

STRATEGY_NAME = "strategy.py"


def version(request: Version, shell: Shell) -> Outcome[VersionResult]:
    """Handle a `Version` request."""
    system = f"{platform.system()} {platform.machine()}"
    return Outcome(
        VersionResult(
            papertape=__version__, python=platform.python_version(), platform=system, layout_version=LAYOUT_VERSION
        )
    )


def init(request: Init, shell: Shell) -> Outcome[InitResult]:
    """Handle an `Init` request; a file that is there is never overwritten."""
    folder = Path(request.directory)
    config, strategy = folder / CONFIG_NAME, folder / STRATEGY_NAME
    for file in (config, strategy):
        if file.exists():
            raise InputError(f"{file} is there already; remove it first to write a new one")
    template = Path(__file__).with_name("strategy_template.py").read_text(encoding="utf-8")
    _write_new(config, commented_config())
    _write_new(strategy, template)
    return Outcome(InitResult(config=str(config), strategy=str(strategy), data_directory=str(data_directory())))


def _write_new(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror or error}") from error


def config_check(request: ConfigCheck, shell: Shell) -> Outcome[ConfigCheckResult]:
    """Handle a `ConfigCheck` request."""
    file = Path(request.file) if request.file else config_file()
    load_config(file)
    return Outcome(ConfigCheckResult(file=str(file) if file else None, ok=True))


def config_show(request: ConfigShow, shell: Shell) -> Outcome[ConfigShowResult]:
    """Handle a `ConfigShow` request."""
    file = Path(request.file) if request.file else config_file()
    tables = msgspec.to_builtins(load_config(file))
    return Outcome(
        ConfigShowResult(file=str(file) if file else None, data_directory=str(data_directory()), config=tables)
    )
