"""What a handler gives back."""

from typing import NamedTuple

import msgspec


class Outcome(NamedTuple):
    """The response, what the command ends with (0 ok, 1 a check failed, 130 interrupted), and why if not with 0."""

    response: msgspec.Struct
    exit_code: int = 0
    error: str | None = None
