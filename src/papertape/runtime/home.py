"""Where papertape keeps what is its own: data directory, logs, configuration."""

import os
from pathlib import Path

import platformdirs

CONFIG_NAME = "papertape.toml"


def data_directory() -> Path:
    """`PAPERTAPE_HOME`, else the user's data directory for papertape."""
    home = os.environ.get("PAPERTAPE_HOME")
    return Path(home) if home else platformdirs.user_data_path("papertape", appauthor=False)


def log_directory() -> Path:
    """Where the rotating logs are."""
    return data_directory() / "logs"


def config_file() -> Path | None:
    """`papertape.toml` of the working folder, else of the data directory, else None."""
    for folder in (Path.cwd(), data_directory()):
        file = folder / CONFIG_NAME
        if file.is_file():
            return file
    return None
