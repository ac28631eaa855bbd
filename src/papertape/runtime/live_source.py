"""What to listen to, as the options of a command and the configuration say it."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from papertape.core.action_parts import VenueName
from papertape.core.errors import InputError
from papertape.data.wire.binance.rules import VENUES
from papertape.data.wire.binance.stream_names import with_streams
from papertape.runtime.config import Crypto
from papertape.runtime.recording import Source


def source_of(
    venue: VenueName,
    symbols: list[str],
    ws_urls: list[str],
    rest_url: str | None,
    config: Crypto,
    streams: Sequence[str] = (),
) -> Source:
    """The venue's own servers, or those that are named; the symbols of the configuration where none are; `streams`
    of each symbol, or the market's usual ones.

    Raises InputError for a name or a URL that cannot be one.
    """
    names = tuple(dict.fromkeys(one.strip().upper() for one in symbols or config.symbols))
    if not all(names):
        raise InputError(f"--symbols: expected names parted by commas, was {','.join(symbols)!r}")
    usual = VENUES[venue]
    rules = with_streams(usual, [one.strip() for one in streams]) if streams else usual
    return Source(
        rules,
        names,
        tuple(_checked_url("--ws-url", url, ("ws", "wss")) for url in ws_urls or [rules.ws_url, *rules.ws_backups]),
        _checked_url("--rest-url", rest_url or rules.rest_url, ("http", "https")),
        config.websocket_timeout_s,
    )


def _checked_url(option: str, url: str, schemes: tuple[str, str]) -> str:
    parts = urlsplit(url)
    try:
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or too large
        usable = False
    if not usable:
        raise InputError(f"{option}: expected a base URL such as {schemes[0]}://127.0.0.1:9870, was {url}")
    return url
