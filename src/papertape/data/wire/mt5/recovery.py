"""What to do about each code of the terminal's `last_error`."""

from enum import StrEnum


class RecoveryAction(StrEnum):
    """What follows an error of the terminal."""

    GO_ON = "go_on"
    """Nothing is wrong."""
    RETRY = "retry"
    """Ask again after a pause."""
    SELECT_SYMBOL = "select_symbol"
    """Put the symbol into the Market Watch, then ask again."""
    RESTART = "restart"
    """Let go of the terminal, pause, initialise it again."""
    GIVE_UP = "give_up"
    """Only a person can help; the error ends the stream."""


RECOVERY: dict[int, RecoveryAction] = {
    1: RecoveryAction.GO_ON,
    -1: RecoveryAction.SELECT_SYMBOL,
    -2: RecoveryAction.GIVE_UP,
    -3: RecoveryAction.RETRY,
    -4: RecoveryAction.GIVE_UP,
    -5: RecoveryAction.GIVE_UP,
    -6: RecoveryAction.GIVE_UP,
    -7: RecoveryAction.GIVE_UP,
    -8: RecoveryAction.GIVE_UP,
    -10000: RecoveryAction.RESTART,
    -10001: RecoveryAction.RESTART,
    -10002: RecoveryAction.RESTART,
    -10003: RecoveryAction.RESTART,
    -10004: RecoveryAction.RESTART,
    -10005: RecoveryAction.RESTART,
}
"""Every code. -1 on a valid symbol is one that is not selected; -6, a refused login, must not be tried fast."""


def recovery_of(code: int) -> RecoveryAction:
    """The action for `code`; a code that nobody documents is met by a restart."""
    return RECOVERY.get(code, RecoveryAction.RESTART)
