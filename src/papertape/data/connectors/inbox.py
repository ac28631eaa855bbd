"""The bounded queue between connections and a reader that is not called for each message."""

import asyncio
from collections.abc import Callable

from papertape.data.wire.buffers import Budget, BufferCounts, MessageBuffer, Policy


class Inbox:
    """One `MessageBuffer` with a reader that waits. `on_full` and `on_relieved` stop and start what fills it."""

    def __init__(
        self,
        policy: Policy,
        budget: Budget,
        messages_max: int,
        on_full: Callable[[], None],
        on_relieved: Callable[[], None],
    ) -> None:
        self._buffer = MessageBuffer(policy, budget, messages_max)
        self._on_full = on_full
        self._on_relieved = on_relieved
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.full_since_s: float | None = None
        """Since when a lossless queue has been full, by the loop's clock; None while it is not."""

    @property
    def policy(self) -> Policy:
        """What happens when it is full."""
        return self._buffer.policy

    def counts(self) -> BufferCounts:
        """Numbers so far."""
        return self._buffer.counts()

    def put(self, key: bytes, message: bytes) -> bool:
        """Take one message as the policy says; whether it stays."""
        stays = self._buffer.put(key, message)
        self._came.set()
        if self.policy is Policy.LOSSLESS and self._buffer.full and self.full_since_s is None:
            self.full_since_s = asyncio.get_running_loop().time()
            self._room.clear()
            self._on_full()
        return stays

    async def put_when_room(self, key: bytes, message: bytes) -> bool:
        """Like `put`, but a lossless queue is waited for."""
        await self._room.wait()
        return self.put(key, message)

    async def get(self) -> bytes:
        """The next message; waits for one."""
        while (message := self._buffer.get()) is None:
            self._came.clear()
            await self._came.wait()
        if self.full_since_s is not None and self._buffer.relieved:
            self.full_since_s = None
            self._room.set()
            self._on_relieved()
        return message
