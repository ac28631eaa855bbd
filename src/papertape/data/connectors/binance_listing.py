"""What the symbols of a session are, asked over REST before the first frame."""

import asyncio
from collections.abc import Callable

import msgspec

from papertape.core.errors import DataError, DecodeError, InputError, VenueError
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.binance_rest import BinanceRest, answer_text
from papertape.data.connectors.binance_snapshots import snapshot_query
from papertape.data.connectors.ports import Intake
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.payloads import decode_exchange_info, readable

NO_SUCH_ROUTE = (400, 404)
"""What a server answers that does not know a route; any other refusal is asked again."""
REFRESH_EVERY_S = 300.0
LISTING_PATIENCE_S = 5.0
"""How long a REST server that does not answer keeps a recording from its stream."""


class Listing:
    """Lists the symbols of a machine."""

    def __init__(
        self,
        machine: BinanceMachine,
        intake: Intake,
        rest: BinanceRest,
        now_ns: Callable[[], int],
        note: Callable[..., None],
    ) -> None:
        self._machine = machine
        self._intake = intake
        self._rest = rest
        self._now_ns = now_ns
        self._note = note

    async def list_symbols(self) -> None:
        """List every symbol, from exchangeInfo, else from a depth snapshot.

        A server that knows neither route, or does not answer for a while, lists nothing: then the first
        frames must tell, since what is not recorded is gone. Raises UnknownInstrument or DataError when
        the venue does not have a symbol.
        """
        backoff = Backoff()
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + LISTING_PATIENCE_S
        while (left_s := until_s - now_s()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    if await self._list_once():
                        return
            except (VenueError, DecodeError, TimeoutError) as error:
                self._note("no listing", error=str(error) or f"no answer within {LISTING_PATIENCE_S:g} s")
            await asyncio.sleep(min(backoff.next_s(), left_s))
        self._note("not listed: the first frames must tell what the instruments are")

    async def _list_once(self) -> bool:
        """Ask for a listing; whether the venue has answered for good."""
        answer = await self._rest.get("exchangeInfo", self._exchange_info_query())
        if answer.status == 200:
            try:
                self._machine.list_from_exchange_info(self._now_ns(), answer.body)
                await self._take_limit(answer.body)
            except DecodeError as error:
                self._note("exchangeInfo cannot be read", error=str(error))
            else:
                return True
        else:
            self._note("no exchangeInfo", error=answer_text(answer))
            if answer.status not in NO_SUCH_ROUTE:
                return False
        return await self._list_from_snapshots()

    async def _take_limit(self, body: bytes) -> None:
        limit = readable(decode_exchange_info, body, "exchangeInfo").weight_limit
        if limit is not None:
            await self._rest.set_weight_limit(limit)

    async def refresh(self) -> None:
        """Ask again now and then, until cancelled: rules or a status that changed open the instrument's next epoch."""
        while True:
            await asyncio.sleep(REFRESH_EVERY_S)
            await self.refresh_once()

    async def refresh_once(self) -> None:
        """Ask again what the symbols are; what goes wrong is noted, and asked the next time."""
        try:
            answer = await self._rest.get("exchangeInfo", self._exchange_info_query())
            if answer.status == 400:  # it may list one of them no more: all that it lists tells which
                answer = await self._rest.get("exchangeInfo", {})
            if answer.status == 200:
                self._intake.exchange_info(answer.body)
                await self._take_limit(answer.body)
            else:
                self._note("no exchangeInfo", error=answer_text(answer))
        except (VenueError, DataError) as error:
            self._note("the instruments are as before", error=str(error))

    def _exchange_info_query(self) -> dict[str, str]:
        """Spot takes a list of symbols; USD-M always answers with all."""
        if self._machine.rules.rest_prefix != "/api/v3":
            return {}
        return {"symbols": msgspec.json.encode(list(self._machine.feeds)).decode()}

    async def _list_from_snapshots(self) -> bool:
        for symbol, feed in self._machine.feeds.items():
            if feed.instrument is not None:
                continue
            answer = await self._rest.get("depth", snapshot_query(self._machine.rules, symbol))
            if answer.status == 400:
                raise InputError(
                    f"{self._machine.rules.venue} refused {symbol}: {answer_text(answer)}; expected a symbol of it"
                )
            if answer.status != 200:
                self._note("no snapshot to list from", symbol=symbol, error=answer_text(answer))
                return answer.status in NO_SUCH_ROUTE
            self._machine.list_from_snapshot(self._now_ns(), symbol, answer.body)
        return True
