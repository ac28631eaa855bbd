"""Where papertape keeps what is its own: data directory, logs, configuration."""

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from papertape.core.errors import StoreError

CONFIG_NAME = "papertape.toml"


def data_directory() -> Path:
    """`PAPERTAPE_HOME`, else the user's data directory for papertape."""
    home = os.environ.get("PAPERTAPE_HOME")
    return Path(home) if home else platformdirs.user_data_path("papertape", appauthor=False)


def log_directory() -> Path:
    """Where the rotating logs are."""
    return data_directory() / "logs"


def weights_file(budget: str) -> Path:
    """Where the processes of this machine count the REST weight of one budget together."""
    return data_directory() / "weights" / f"{budget}.json"


def config_file() -> Path | None:
    """`papertape.toml` of the working folder, else of the data directory, else None."""
    for folder in (Path.cwd(), data_directory()):
        file = folder / CONFIG_NAME
        if file.is_file():
            return file
    return None


def new_demo_directory() -> Path:
    """Make and return the next free `demo/0001`, `demo/0002`, … of the data directory; raises StoreError when it cannot."""
    demos = data_directory() / "demo"
    try:
        demos.mkdir(parents=True, exist_ok=True)
        number = max((int(one.name) for one in demos.iterdir() if one.name.isdecimal()), default=0)
        while True:
            number += 1
            directory = demos / f"{number:04}"
            with suppress(FileExistsError):  # another demo was faster
                directory.mkdir()
                return directory
    except OSError as error:
        raise StoreError(
            f"{demos} cannot be written: {error.strerror or error}; name another data directory with PAPERTAPE_HOME"
        ) from error
