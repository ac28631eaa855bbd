"""Which proxy leads to a URL: one rule for WebSockets and REST."""

import urllib.request
from urllib.parse import urlsplit


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for `url`, or None; loopback never needs one. Raises ValueError at no URL."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in ("localhost", "::1") or host.startswith("127.") or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get("https" if parts.scheme in ("wss", "https") else "http")
