"""The control endpoint: faults on command, and what happened so far. It is the box's own; no venue has it."""

import hmac
import ipaddress
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from papertape.core.errors import InputError
from papertape.venue.breaking import Breaker
from papertape.venue.faults.schema import faults_of
from papertape.venue.faults.timeline import Timeline
from papertape.venue.log import VenueLog


class ControlDesk:
    """`GET /control` and `POST /control/faults`, for this machine only, with `token` as bearer if there is one."""

    def __init__(
        self, timeline: Timeline, breaker: Breaker, log: VenueLog, since_opening_ns: Callable[[], int], token: str
    ) -> None:
        self._timeline = timeline
        self._breaker = breaker
        self._log = log
        self._since_opening_ns = since_opening_ns
        self._token = token

    def add_routes(self, application: web.Application) -> None:
        """Serve the endpoint."""
        application.router.add_get("/control", self._report)
        application.router.add_post("/control/faults", self._command)

    def report(self) -> dict[str, Any]:
        """What happened so far."""
        faults = [planned.told() for planned in self._timeline.all]
        return {"market_s": self._since_opening_ns() / 1e9, "faults": faults} | self._log.told()

    async def _report(self, request: web.Request) -> web.Response:
        self._authorise(request)
        return _json(self.report())

    async def _command(self, request: web.Request) -> web.Response:
        self._authorise(request)
        try:
            faults = faults_of(msgspec.json.decode(await request.read()))
            taken = self._breaker.add(faults, self._since_opening_ns())
        except (InputError, msgspec.DecodeError) as error:
            return _json({"error": str(error)}, 400)
        return _json({"faults": [planned.told() for planned in taken]})

    def _authorise(self, request: web.Request) -> None:
        # A page in a browser on this machine must not reach it: it would send an Origin, or a name of its own as Host.
        if "Origin" in request.headers or not is_loopback(request.url.host or ""):
            raise web.HTTPForbidden(text="expected a request of a program on this machine, was one of a web page")
        given = request.headers.get("Authorization", "")
        if self._token and not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            raise web.HTTPUnauthorized(text="expected the header Authorization: Bearer TOKEN with the box's token")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by address, or by the name localhost."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _json(answer: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(answer), content_type="application/json")
