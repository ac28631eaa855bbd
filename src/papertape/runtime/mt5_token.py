"""Secrets of MetaTrader 5 in files: the token that a gateway and its connectors share, and the password of an account."""

from pathlib import Path

from papertape.core.errors import InputError

TOKEN_MIN = 16


def read_secret(option: str, file: str) -> str:
    """The text in `file`, without what is blank around it. Raises InputError naming the option."""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{option}: {file} cannot be read: {error}") from error


def read_token(file: str) -> str:
    """The token in `file`. Raises InputError when there is none."""
    token = read_secret("--token-file", file)
    if len(token) < TOKEN_MIN or not token.isascii() or not token.isprintable():
        raise InputError(f"--token-file: expected one line of at least {TOKEN_MIN} printable characters in {file}")
    return token
