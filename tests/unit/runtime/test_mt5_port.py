from pathlib import Path

import pytest

from papertape.core.errors import InputError
from papertape.data.connectors.mt5_remote import GatewayTerminal
from papertape.runtime.mt5_port import terminal_port


def test_a_gateway_needs_a_url_and_a_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a long token of a test, long enough\n", encoding="utf-8")
    token.chmod(0o600)
    assert isinstance(terminal_port("ws://127.0.0.1:9871/mt5", str(token)), GatewayTerminal)
    with pytest.raises(InputError, match="token_file"):
        terminal_port("ws://127.0.0.1:9871/mt5", "")
    with pytest.raises(InputError, match="--gateway: expected a URL"):
        terminal_port("127.0.0.1:9871", str(token))
