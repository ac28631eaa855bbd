"""REST errors of the venue, and the parameters of a request checked the way the venue does."""

import re

from papertape.venue.market import Market
from papertape.venue.rules import VenueRules

_DIGITS = re.compile(r"[0-9]{1,20}")
_SYMBOL = re.compile(r"[A-Z0-9\-_.]{1,20}")


class RestError(Exception):
    """An answer with a negative code; `status` is the HTTP status, `wait_s` the seconds of `Retry-After`, if any."""

    def __init__(self, code: int, message: str, status: int = 400, wait_s: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.wait_s = wait_s


class Parameters:
    """Query parameters of one request."""

    def __init__(self, query: dict[str, str], market: Market, rules: VenueRules) -> None:
        self._query = query
        self._market = market
        self._rules = rules

    def has(self, name: str) -> bool:
        """Whether the request names this parameter."""
        return name in self._query

    def symbol(self) -> str:
        """The mandatory symbol; it must be in the reel."""
        symbol = self._query.get("symbol")
        if symbol is None or (not symbol and self._rules.name == "binance-usdm"):
            raise RestError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if not symbol:
            raise RestError(-1105, "Parameter 'symbol' was empty.")
        if not _SYMBOL.fullmatch(symbol):
            raise RestError(
                -1100, "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."
            )
        if symbol not in self._market.books:
            raise RestError(-1121, "Invalid symbol.")
        return symbol

    def text(self, name: str) -> str:
        """A mandatory text."""
        text = self._query.get(name)
        if not text:
            raise RestError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return text

    def integer(self, name: str) -> int | None:
        """An optional whole number of at most 64 bits."""
        text = self._query.get(name)
        if text is None:
            return None
        if not _DIGITS.fullmatch(text):
            raise RestError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
        return int(text)

    def limit(self, default: int, allowed: range | tuple[int, ...]) -> int:
        """The optional `limit`, one of `allowed`."""
        limit = self.integer("limit")
        if limit is None:
            return default
        if limit not in allowed:
            raise RestError(-1130, "Data sent for parameter 'limit' is not valid.")
        return limit
