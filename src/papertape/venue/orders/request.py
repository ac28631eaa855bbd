"""Signed requests: the key, the signature, the time, and the parameters of an order as whole ticks and lots."""

import hashlib
import hmac
import re
from urllib.parse import parse_qsl

import msgspec

from papertape.core.errors import DecodeError
from papertape.core.fixed import parse_fixed
from papertape.venue.matching import BUY, SELL
from papertape.venue.parameters import RestError
from papertape.venue.synthetic.listings import Listing

RECV_WINDOW_MS = 5_000
RECV_WINDOW_MAX_MS = 60_000
AHEAD_MAX_MS = 1_000
TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK")
ORDER_LOTS_MAX_UNITS = 9_000_000
PRICE_MAX_UNITS = 1_000_000
CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_.:/]{1,36}")
_INTEGER = re.compile(r"\d{1,18}")


class NewOrder(msgspec.Struct, frozen=True):
    """An order that keeps the filters. `price` is 0 for a market order."""

    symbol: str
    side: int
    kind: str
    time_in_force: str
    price: int
    lots: int
    client_id: str
    reduce_only: bool = False
    """Of USD-M: it may make a position smaller only."""

    @property
    def may_rest(self) -> bool:
        """Whether what is not met at once stays in the book."""
        return self.kind != "MARKET" and self.time_in_force in ("GTC", "GTX")


def signed(payload: str, secret: str) -> str:
    """The signature of a request: HMAC-SHA256 of its parameters, in hexadecimal."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def verified(query: str, body: str, secret: str, venue_ms: int) -> dict[str, str]:
    """The parameters of a signed request. Raises RestError -1102, -1022, -1021."""
    pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
    parameters = dict(pairs)
    if "signature" not in parameters:
        raise missing("signature")
    # What is signed is query and body as they were sent, behind each other, without the signature.
    payload = re.sub(r"(^|&)signature=[^&]*", "", query) + re.sub(r"(^|&)signature=[^&]*", "", body)
    if not hmac.compare_digest(signed(payload, secret), parameters["signature"].lower()):
        raise RestError(-1022, "Signature for this request is not valid.")
    check_time(parameters, venue_ms)
    return parameters


def check_time(parameters: dict[str, str], venue_ms: int) -> None:
    """Raises RestError -1021 for a request that was sent too long ago, or will be sent only later."""
    sent_ms = integer(parameters, "timestamp")
    window_ms = integer(parameters, "recvWindow") if "recvWindow" in parameters else RECV_WINDOW_MS
    if sent_ms is None or window_ms is None:
        raise missing("timestamp")
    if window_ms > RECV_WINDOW_MAX_MS:
        raise RestError(-1131, "recvWindow must be less than 60000.")
    if sent_ms >= 10**15:
        sent_ms //= 1000
    if sent_ms > venue_ms + AHEAD_MAX_MS:
        raise RestError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if venue_ms - sent_ms > window_ms:
        raise RestError(-1021, "Timestamp for this request is outside of the recvWindow.")


def integer(parameters: dict[str, str], name: str) -> int | None:
    """An optional whole number. Raises RestError -1100."""
    text = parameters.get(name)
    if text is None:
        return None
    if not _INTEGER.fullmatch(text):
        raise RestError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)


def missing(name: str) -> RestError:
    """The error for a parameter that must be there."""
    return RestError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def kind_of(parameters: dict[str, str], kinds: tuple[str, ...]) -> str:
    """The type that is asked for, one of `kinds`. Raises RestError -1116."""
    kind = text_of(parameters, "type")
    if kind not in kinds:
        raise RestError(-1116, "Invalid orderType.")
    return kind


def new_order(parameters: dict[str, str], listings: dict[str, Listing], default_id: str) -> NewOrder:
    """The order that the parameters of spot's POST /order ask for. Raises RestError, -1013 for a filter that it breaks."""
    listing = listing_of(parameters, listings)
    side = side_of(parameters)
    kind = kind_of(parameters, TYPES)
    if "quoteOrderQty" in parameters:
        raise not_required("quoteOrderQty")
    client_id = parameters.get("newClientOrderId", default_id)
    if not CLIENT_ID.fullmatch(client_id):
        raise RestError(-1100, "Illegal characters found in parameter 'newClientOrderId'.")
    time_in_force = time_in_force_of(parameters, kind, TIMES_IN_FORCE)
    lots = number_of(parameters, "quantity", listing.size_scale, filter_failure("LOT_SIZE"))
    if not 0 < lots <= ORDER_LOTS_MAX_UNITS * 10**listing.size_scale:
        raise filter_failure("LOT_SIZE")
    price = 0
    if kind != "MARKET":
        price = number_of(parameters, "price", listing.price_scale, filter_failure("PRICE_FILTER"))
        if not 0 < price <= PRICE_MAX_UNITS * 10**listing.price_scale:
            raise filter_failure("PRICE_FILTER")
        check_notional(price * lots, listing)
    elif "price" in parameters:
        raise not_required("price")
    return NewOrder(listing.symbol, side, kind, time_in_force, price, lots, client_id)


def side_of(parameters: dict[str, str]) -> int:
    """The side of an order, BUY or SELL. Raises RestError -1102, -1117."""
    side = {"BUY": BUY, "SELL": SELL}.get(text_of(parameters, "side"))
    if side is None:
        raise RestError(-1117, "Invalid side.")
    return side


def time_in_force_of(parameters: dict[str, str], kind: str, allowed: tuple[str, ...]) -> str:
    """How long an order stands: told with a LIMIT order, and with it only. Raises RestError -1102, -1106, -1115."""
    if kind != "LIMIT":
        if "timeInForce" in parameters:
            raise not_required("timeInForce")
        return "GTC"
    time_in_force = text_of(parameters, "timeInForce")
    if time_in_force not in allowed:
        raise RestError(-1115, "Invalid timeInForce.")
    return time_in_force


def not_required(name: str) -> RestError:
    """The error for a parameter that must not be there."""
    return RestError(-1106, f"Parameter '{name}' sent when not required.")


def check_notional(ticks_times_lots: int, listing: Listing) -> None:
    """Raises RestError for an order that is worth too little."""
    if ticks_times_lots < listing.min_notional * 10 ** (listing.price_scale + listing.size_scale):
        raise filter_failure("NOTIONAL")


def filter_failure(name: str) -> RestError:
    """The error for an order that breaks a filter."""
    return RestError(-1013, f"Filter failure: {name}")


def listing_of(parameters: dict[str, str], listings: dict[str, Listing]) -> Listing:
    """The symbol of a request. Raises RestError -1102, -1121."""
    listing = listings.get(text_of(parameters, "symbol"))
    if listing is None:
        raise RestError(-1121, "Invalid symbol.")
    return listing


def text_of(parameters: dict[str, str], name: str) -> str:
    """A parameter that must be there. Raises RestError -1102."""
    text = parameters.get(name)
    if not text:
        raise missing(name)
    return text


def number_of(parameters: dict[str, str], name: str, scale: int, unfit: RestError) -> int:
    """A decimal number as a whole one at a scale. Raises RestError, `unfit` for one that is finer or too large."""
    text = text_of(parameters, name)
    if not re.fullmatch(r"\d{1,20}(\.\d{1,20})?", text):
        raise RestError(-1100, f"Illegal characters found in parameter '{name}'.")
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    if len(decimals) > scale:
        raise unfit
    try:
        return parse_fixed(f"{int(whole)}.{decimals}" if decimals else str(int(whole)), scale)
    except (DecodeError, OverflowError) as error:
        raise unfit from error
