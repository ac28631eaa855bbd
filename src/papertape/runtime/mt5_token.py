"""The token that a MetaTrader 5 gateway and its connectors share."""

from pathlib import Path

from papertape.core.errors import InputError

TOKEN_MIN = 16


def read_token(file: str) -> str:
    """The token in `file`. Raises InputError when there is none."""
    try:
        token = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--token-file: {file} cannot be read: {error}") from error
    if len(token) < TOKEN_MIN or not token.isascii() or not token.isprintable():
        raise InputError(f"--token-file: expected one line of at least {TOKEN_MIN} printable characters in {file}")
    return token
