"""The parts of a pool of connections: one connection with its machine, and the lane of streams that it carries."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from papertape.data.connectors.dialect import Dialect
from papertape.data.connectors.ports import Link, OnFrame
from papertape.data.wire.connection import OPEN, ConnectionMachine, Event, Patience, State
from papertape.data.wire.endpoints import Endpoints
from papertape.data.wire.handover import STREAM_FROM, Handover
from papertape.data.wire.stream_watch import StreamWatch

EXPECT_ALL_S = 1.0
"""So long after its subscriptions a successor must bring whatever the old connection brings."""
OVERLAP_S = 2.0
"""Two connections overlap this long at least: what the old one had on its way has come by then."""
OVERLAP_MAX_S = 30.0
"""A successor that has not brought every stream of the old connection by then is given up."""
FILTER_S = 10.0
"""So long after an overlap one side may still bring what the other has brought."""


class Connection:
    """One connection of a pool: its number, the server it goes to, its machine, and counts of what came over it."""

    def __init__(self, number: int, lane: "Lane") -> None:
        self.number = number
        self.lane = lane
        self.machine = ConnectionMachine(lane.patience)
        self.deliver = lane.deliver
        self.endpoint = lane.endpoints.preferred
        self.link: Link | None = None
        self.frames = 0
        self.data_ticks = 0
        self.reconnects = 0
        self.asked_s = 0.0
        """When a request was sent last."""
        self.why = ""
        """Why the link ended last, when it was us who ended it."""
        self.task: asyncio.Task[None] | None = None
        """What keeps it up."""
        self.settled = asyncio.Event()
        """Set while the link is up, and for good once the connection is closed."""
        self._seen: set[bytes] = set()
        self._outbox: deque[bytes] = deque()
        self._asked = asyncio.Event()

    @property
    def state(self) -> State:
        """What the connection is."""
        return self.machine.state

    @property
    def asking(self) -> bool:
        """Whether requests wait to be sent."""
        return bool(self._outbox)

    @property
    def is_open(self) -> bool:
        """Whether its link is up."""
        return self.machine.state in OPEN

    def on_frame(self, payload: bytes, is_last: bool) -> None:
        """Take one message from the link: counted, noted by its stream, handed on."""
        self.frames += 1
        self._seen.add(payload[STREAM_FROM : payload.find(b'"', STREAM_FROM)])  # `stream_of`, without the call
        self.deliver(payload, is_last)

    def seen(self) -> set[bytes]:
        """The streams that have come since the last call."""
        seen, self._seen = self._seen, set()
        return seen

    def ask(self, requests: Sequence[bytes]) -> None:
        """Queue requests for the venue; `send_requests` sends them at its pace."""
        self._outbox.extend(requests)
        self._asked.set()

    async def send_requests(self, link: Link, per_s: float) -> None:
        """Send what is asked, no faster than `per_s`, until cancelled."""
        while True:
            await self._asked.wait()
            while self._outbox:
                link.send(self._outbox.popleft())
                self.asked_s = asyncio.get_running_loop().time()
                await asyncio.sleep(1 / per_s)
            self._asked.clear()

    def forget_requests(self) -> None:
        """The link is gone, and with it whoever would answer."""
        self._outbox.clear()
        self._asked.clear()

    def end(self, why: str) -> None:
        """End the link; whoever waits for its end is told why."""
        self.why = why
        if self.link is not None:
            self.link.close()


class Lane:
    """Streams that go together over one connection at a time; while that is replaced, over two.

    `deliver` takes what comes. `handover` stands between the two connections and it while they overlap, and for
    `FILTER_S` afterwards, while doubles may come. A lane of no named streams has no ids to overlap by.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        dialect: Dialect,
        route: str,
        streams: Sequence[str],
        patience: Patience,
        deliver: OnFrame,
    ) -> None:
        self.endpoints = endpoints
        self.dialect = dialect
        self.route = route
        self.patience = patience
        self.deliver = deliver
        self.watch = StreamWatch(patience.silence_s)
        self.current: Connection | None = None
        self.successor: Connection | None = None
        self.handover: Handover | None = None
        self.is_down = False
        """Whether its connection was lost and is not up again."""
        self._doubles_before = 0
        self._filter_until_s: float | None = None
        self.set_streams(streams)

    @property
    def connections(self) -> list[Connection]:
        """Those that there are now."""
        return [one for one in (self.current, self.successor) if one is not None]

    @property
    def doubles_dropped(self) -> int:
        """Messages that two connections brought, and that were taken once."""
        return self._doubles_before + (self.handover.dropped if self.handover is not None else 0)

    def set_streams(self, streams: Sequence[str]) -> None:
        """Change what the lane carries, for every later connection."""
        self.streams = list(streams)
        self.names = frozenset(name.encode() for name in streams)

    def begin_overlap(self, new: Connection, now_s: float) -> None:
        """`new` is to take over: it and the present connection pass through a handover from now on."""
        self.end_filter()
        self.successor, self.handover = new, Handover()
        if self.current is not None:
            self.current.machine.take(Event.ROTATE, now_s)
            self.current.deliver = self._through(self.handover.take_old)
        new.deliver = self._through(self.handover.take_new)

    def overlap_verdict(self, now_s: float) -> str | None:
        """Whether the successor can take over: why it should be given up instead, empty for yes, None for not yet."""
        new, handover = self.successor, self.handover
        if new is None or handover is None or not new.is_open:
            return None
        waited_s = now_s - new.machine.opened_s
        subscribed_s = 0.0 if new.asking else min(waited_s, now_s - new.asked_s)
        if handover.overflowed:
            return f"its successor is {handover.held_bytes} bytes ahead of it"
        if waited_s >= OVERLAP_MAX_S:
            return f"its successor owes {len(handover.owed)} streams after {waited_s:.0f} s"
        if subscribed_s >= EXPECT_ALL_S:
            handover.expect_all()
        return "" if subscribed_s >= OVERLAP_S and not handover.owed else None

    def take_over(self, now_s: float) -> None:
        """The successor is the lane's connection from now on."""
        if self.successor is None or self.handover is None:
            return
        self.current, self.successor = self.successor, None
        for frame in self.handover.finish():
            self.deliver(frame, False)
        self._filter_until_s = now_s + FILTER_S

    def keep(self, now_s: float) -> None:
        """The successor is no good: the old connection goes on as before."""
        self.successor = None
        if self.handover is not None:
            self.handover.abandon()
            self._filter_until_s = now_s + FILTER_S
        if self.current is not None:
            self.current.machine.take(Event.KEPT, now_s)

    def end_filter(self, now_s: float | None = None) -> None:
        """Once both sides of an overlap have had the time to catch up, or now: messages go straight on again."""
        if self._filter_until_s is None or self.handover is None:
            return
        if now_s is None or now_s >= self._filter_until_s:
            self._doubles_before += self.handover.dropped
            self.handover = self._filter_until_s = None
            if self.current is not None:
                self.current.deliver = self.deliver

    def _through(self, take: Callable[[bytes], list[bytes]]) -> OnFrame:
        def deliver(payload: bytes, is_last: bool) -> None:
            frames = take(payload)
            for number, frame in enumerate(frames, 1):
                self.deliver(frame, is_last and number == len(frames))

        return deliver
