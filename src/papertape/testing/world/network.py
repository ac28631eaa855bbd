"""The simulated network between a client and the venue: `ports.Transport` and `ports.HttpClient` without a socket."""

import asyncio
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from papertape.core.errors import ConnectFailed
from papertape.data.connectors.ports import Answer, OnFrame
from papertape.testing.world.chance import Chance
from papertape.testing.world.faults import BAN_S, Fault, FrameFault, Plan
from papertape.testing.world.venue import About, Session, SimVenue

WS_URLS = tuple(f"ws://{host}" for host in ("first", "second"))
"""The venue's addresses; the first one is preferred."""
RESTRICTED = 451
"""A refusal for good, and only ever of the first address: a client that is refused everywhere may give up."""
HANDSHAKE_MAX_S = 5.0
ANSWER_MAX_S = 10.0
GARBAGE = (
    b"",
    b"{this is not json",
    b"\xff\xfe\x00\x01",
    b'{"stream":"nobody@trade","data":',
    b'{"e":"trade","s":17}',
    b"[1,2",
    b'"',
    b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
)
HOLD_BACK_S = (0.001, 0.3)
ORDER_S = 1e-6
OVERLAP_S = 15.0
"""So long after two connections brought the same, a client may still look for doubles."""
EARLY_S = 1e-3
"""A question this much before its time is none that came too early."""


class SimLink:
    """One connection, both ends of it: `ports.Link` for the client, `venue.Peer` for the venue."""

    def __init__(self, network: "SimNetwork", on_frame: OnFrame, silence_s: float) -> None:
        self.session: Session | None = None
        self._network = network
        self._on_frame = on_frame
        self._silence_s = silence_s
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self._is_dead = False
        self._last_s = 0.0
        self._held: list[tuple[bytes, About | None]] | None = None
        self.pongs = 0
        self.round_trip_s: float | None = None

    # The client's end.

    def send(self, text: bytes) -> None:
        """See `ports.Link`."""
        if self.session is not None and not self._is_dead:
            self._loop.call_later(self._network.delay_s(), self._network.venue.receive, self.session, text)

    def ping(self) -> None:
        """See `ports.Link`."""
        if not self._is_dead:
            round_trip_s = self._network.delay_s() + self._network.delay_s()
            self._loop.call_later(round_trip_s, self._pong, round_trip_s)

    def pause(self) -> None:
        """See `ports.Link`."""
        self._held = self._held or []

    def resume(self) -> None:
        """See `ports.Link`."""
        held, self._held = self._held or [], None
        for text, about in held:
            self._deliver(text, about)

    def close(self) -> None:
        """See `ports.Link`."""
        self._finish("closed by us")

    async def wait_closed(self) -> str:
        """See `ports.Link`."""
        return await asyncio.shield(self._ended)

    # The venue's end.

    def push(self, text: bytes, about: About | None = None) -> None:
        """Send one frame to the client; on its way it may fall to a fault."""
        fault = self._network.frame_fault(about.symbol) if about else None
        # What is sent over one line arrives in order; two timers of one time would not keep it.
        at_s = max(self._last_s + ORDER_S, self._loop.time() + self._network.delay_s())
        if fault is FrameFault.LOST or self._is_dead:
            return
        if fault is FrameFault.LATE:
            self._loop.call_at(at_s + self._network.chance.seconds(*HOLD_BACK_S), self._deliver, text, about)
            return
        if fault is FrameFault.GARBAGE:
            text, about = self._network.garbage(text), None
        self._last_s = at_s
        self._loop.call_at(at_s, self._deliver, text, about)
        if fault is FrameFault.TWICE:
            behind_s = self._network.chance.seconds(0.0, HOLD_BACK_S[1])
            self._loop.call_at(at_s + behind_s, self._deliver, text, about)

    def end(self, why: str) -> None:
        """End it from the venue's side; a dead line carries not even that."""
        if not self._is_dead:
            self._loop.call_at(max(self._last_s + ORDER_S, self._loop.time()), self._finish, why)

    # What befalls it.

    def cut(self) -> None:
        """The line is gone, and both ends notice."""
        self._finish("connection lost without a close frame")

    def die(self) -> None:
        """The line is dead and nobody notices, until the silence has lasted too long."""
        self._is_dead = True
        self._loop.call_later(self._silence_s, self._finish, f"silent for {self._silence_s:g} s")

    def _pong(self, round_trip_s: float) -> None:
        if not self._is_dead:
            self.pongs += 1
            self.round_trip_s = round_trip_s

    def _deliver(self, text: bytes, about: About | None) -> None:
        if self._held is not None:
            self._held.append((text, about))
        elif not self._ended.done() and not self._is_dead:
            if about is not None:
                self._network.tell(about)
            self._on_frame(text, self._network.chance.happens(700))

    def _finish(self, why: str) -> None:
        if not self._ended.done():
            self._ended.set_result(why)
        if self.session is not None:
            self._network.venue.close(self.session)
        self._network.links.pop(self, None)


class SimNetwork:
    """The way to one venue.

    `told` is the market data that clients were handed, `shared` what came while two connections brought the same, or
    shortly after: then a client takes one for a double of the other. `happened` counts the faults that came to be.
    """

    def __init__(self, seed: int, venue: SimVenue, plan: Plan, our_ns: Callable[[], int]) -> None:
        """`our_ns` is the client's clock: all that one knows by which begins while it is told to wait."""
        self.venue = venue
        self.plan = plan
        self.chance = Chance(seed, "network")
        self.links: dict[SimLink, None] = {}
        self.told: list[About] = []
        self.shared: list[About] = []
        self.happened: Counter[str] = Counter()
        self._frames = Chance(seed, "frames")
        self._our_ns = our_ns
        self._quiet_until_s = 0.0
        self._quiet_until_ns = 0

    def begin_client(self) -> None:
        """Another client begins. What the one before was told holds for it too, by the clock that both have."""
        self._quiet_until_s = 0.0
        if self._our_ns() < self._quiet_until_ns:
            self.happened["begun while told to wait"] += 1

    def tell(self, about: About) -> None:
        """Note what a client was handed."""
        shared_s = self.venue.shared_s.get(about.symbol, -OVERLAP_S)
        (self.shared if self.now_s - shared_s < OVERLAP_S else self.told).append(about)

    @property
    def now_s(self) -> float:
        """The time of the world."""
        return asyncio.get_running_loop().time()

    def delay_s(self) -> float:
        """How long the next text takes one way."""
        slow = self.plan.active(Fault.SLOW, self.now_s)
        return self.chance.seconds(0.0005, 0.04) + (self.chance.below(slow.amount) / 1e3 if slow else 0.0)

    def frame_fault(self, symbol: str) -> FrameFault | None:
        """What becomes of the next frame of `symbol`."""
        fault = self.plan.frame_fault(self._frames, self.now_s, symbol)
        if fault is not None:
            self.happened[fault] += 1
        return fault

    def garbage(self, text: bytes) -> bytes:
        """Something that cannot be read, in the place of `text`: its first part, or nothing like it."""
        if self.plan.victim or self.chance.happens(500):
            # The name of the stream is left whole.
            begins = text.index(b'"data"') + 8
            return text[: self.chance.between(begins, len(text) - 1)]
        return self.chance.pick(GARBAGE)

    # The client's ports.

    async def connect(self, url: str, on_frame: OnFrame, silence_s: float) -> SimLink:
        """See `ports.Transport`."""
        await asyncio.sleep(self.delay_s() * 2)
        self.venue.note_rivals(url)
        refused = self.plan.active(Fault.REFUSED, self.now_s)
        status = refused.amount if refused else None
        if status == RESTRICTED and not url.startswith(WS_URLS[0]):
            status = None
        if self.now_s < self.plan.slow_start_s:
            status = 503
        if status == 0:
            await asyncio.sleep(HANDSHAKE_MAX_S)
            raise ConnectFailed(f"no WebSocket to {url}: no answer")
        if status is not None:
            self.happened[f"refused {status}"] += 1
            raise ConnectFailed(f"{url} refused the WebSocket: {status}", status)
        link = SimLink(self, on_frame, silence_s)
        opened = self.venue.open(url, link)
        if isinstance(opened, int):
            raise ConnectFailed(f"{url} refused the WebSocket: {opened}", opened)
        link.session = opened
        self.links[link] = None
        return link

    async def get(self, url: str, query: dict[str, str]) -> Answer:
        """See `ports.HttpClient`."""
        early_s = max(self._quiet_until_s - self.now_s, (self._quiet_until_ns - self._our_ns()) / 1e9)
        if early_s > EARLY_S:
            self.venue.breaches.append(f"at {self.now_s:.3f} s: asked {url} {early_s:.3f} s before it may, as told")
        await asyncio.sleep(self.delay_s())
        route = urlsplit(url).path.rpartition("/")[2]
        fault = self.plan.active(Fault.REST, self.now_s, query.get("symbol", ""))
        status = fault.amount if fault else None
        if self.now_s < self.plan.slow_start_s:
            status = 503
        if status == 0:
            self.happened["rest without an answer"] += 1
            await asyncio.sleep(ANSWER_MAX_S)
            raise ConnectFailed(f"no answer from {url}: TimeoutError")
        if status is None:
            reply = self.venue.ask(route, query)
            answer = Answer(reply.status, reply.body, reply.retry_after_s)
        else:
            self.happened[f"rest {status}"] += 1
            answer = self._bad_answer(status)
        await asyncio.sleep(self.delay_s())
        pause_s = BAN_S if answer.status == 418 and answer.retry_after_s is None else answer.retry_after_s
        if pause_s is not None:
            self._quiet_until_s = max(self._quiet_until_s, self.now_s + pause_s)
            self._quiet_until_ns = max(self._quiet_until_ns, self._our_ns() + round(pause_s * 1e9))
        return answer

    def _bad_answer(self, status: int) -> Answer:
        if status == 200:
            return Answer(status, self.chance.pick(GARBAGE), None)
        waits = {429: (1, 6), 418: (3, 12)}.get(status)
        retry_after_s = float(self.chance.between(*waits)) if waits and self.chance.happens(800) else None
        return Answer(status, b'{"code":-1003,"msg":"no"}', retry_after_s)

    # What befalls connections.

    async def storm(self) -> None:
        """Carry out what the plan has in store for connections."""
        for spell in sorted(self.plan.spells, key=lambda one: one.start_s):
            if spell.fault not in (Fault.CUT, Fault.CLOSE, Fault.HALF_OPEN, Fault.SHUTDOWN):
                continue
            await asyncio.sleep(max(spell.start_s - self.now_s, 0.0))
            chosen = [link for link in self.links if self.chance.happens(700) or len(self.links) == 1]
            self.happened[spell.fault] += len(chosen)
            for link in chosen:
                if spell.fault is Fault.CUT:
                    link.cut()
                elif spell.fault is Fault.CLOSE:
                    link.end("closed by the peer: 1001 going away")
                elif spell.fault is Fault.HALF_OPEN:
                    link.die()
            if spell.fault is Fault.SHUTDOWN:
                self.venue.announce_end()
                await asyncio.sleep(max(spell.end_s - self.now_s, 0.0))
                for link in list(self.links):
                    link.cut()
