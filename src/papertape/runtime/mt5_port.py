"""Which terminal of MetaTrader 5 is meant: the one on this computer, or one behind a gateway."""

from papertape.core.errors import InputError
from papertape.data.connectors.mt5_local import LocalTerminal, native_api
from papertape.data.connectors.mt5_ports import TerminalPort
from papertape.data.connectors.mt5_remote import GatewayTerminal
from papertape.runtime.clocks import UtcClock
from papertape.runtime.mt5_token import read_token


def terminal_port(gateway: str, token_file: str) -> TerminalPort:
    """The terminal behind `gateway`, or without one that of this computer, which needs the package MetaTrader5.

    Raises InputError for a gateway without a token or with a URL that is none.
    """
    if not gateway:
        return LocalTerminal(native_api(), UtcClock())
    if not token_file:
        raise InputError("expected --token-file, or the key token_file, with a gateway: the file that it was given too")
    if not gateway.startswith(("ws://", "wss://")):
        raise InputError(f"--gateway: expected a URL such as ws://127.0.0.1:9871/mt5, was {gateway}")
    return GatewayTerminal(gateway, read_token(token_file), UtcClock())
