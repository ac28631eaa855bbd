"""Bounded queues of messages between a connection and who reads it, each with a named policy, within one budget."""

from collections import deque
from enum import Enum
from typing import NamedTuple

BUDGET_BYTES = 50 << 20
"""What all queues of a manager hold together at most."""
OVERHEAD_BYTES = 160
"""What a message costs beside its text: its objects and its place in the queue."""


class Policy(Enum):
    """What a queue does when its reader is slower than the market."""

    LOSSLESS = "lossless"
    """Nothing is dropped: whoever fills it must stop at `full`, which pauses the socket."""
    CONFLATE = "conflate"
    """Only the latest message of each key stays."""
    SHED_WITH_COUNT = "shed with count"
    """What does not fit is dropped, and counted."""


class Budget:
    """Bytes that several queues share."""

    def __init__(self, limit_bytes: int = BUDGET_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0

    def has_room(self, size: int) -> bool:
        """Whether `size` more bytes fit."""
        return self.used_bytes + size <= self.limit_bytes


class BufferCounts(NamedTuple):
    """What became of the messages of a queue so far, and what stands in it."""

    taken: int
    dropped: int
    conflated: int
    waiting: int
    waiting_bytes: int


class MessageBuffer:
    """One queue of at most `messages_max` messages within `budget`.

    `put` answers whether the message stays. A lossless queue takes every message, also those that were already on
    the way when it became `full`; it is `relieved`, and may be filled again, when half of its room is free.
    """

    def __init__(self, policy: Policy, budget: Budget, messages_max: int) -> None:
        self.policy = policy
        self._budget = budget
        self._messages_max = messages_max
        self._queue: deque[tuple[bytes, bytes]] = deque()
        self._latest: dict[bytes, bytes] = {}
        self._taken = self._dropped = self._conflated = self._bytes = 0

    def __len__(self) -> int:
        return len(self._latest) if self.policy is Policy.CONFLATE else len(self._queue)

    @property
    def full(self) -> bool:
        """Whether nothing more should come for now."""
        return len(self) >= self._messages_max or not self._budget.has_room(1)

    @property
    def relieved(self) -> bool:
        """Whether enough has been read for filling to go on."""
        budget = self._budget
        return 2 * len(self) <= self._messages_max and 2 * budget.used_bytes <= budget.limit_bytes

    def counts(self) -> BufferCounts:
        """Numbers so far."""
        return BufferCounts(self._taken, self._dropped, self._conflated, len(self), self._bytes)

    def put(self, key: bytes, message: bytes) -> bool:
        """Take one message; `key` names what only the latest counts of. False when it was dropped."""
        if self.policy is Policy.CONFLATE:
            return self._put_latest(key, message)
        if self.policy is Policy.SHED_WITH_COUNT and (
            len(self._queue) >= self._messages_max or not self._budget.has_room(_size(message))
        ):
            self._dropped += 1
            return False
        self._queue.append((key, message))
        self._taken += 1
        self._grow(_size(message))
        return True

    def get(self) -> bytes | None:
        """The oldest message, or None; of a conflating queue, that of the key which has waited longest."""
        if self.policy is Policy.CONFLATE:
            if not self._latest:
                return None
            message = self._latest.pop(next(iter(self._latest)))
        elif self._queue:
            message = self._queue.popleft()[1]
        else:
            return None
        self._grow(-_size(message))
        return message

    def _put_latest(self, key: bytes, message: bytes) -> bool:
        older = self._latest.get(key)
        size = _size(message) - (_size(older) if older is not None else 0)
        no_place = older is None and len(self._latest) >= self._messages_max
        if no_place or not self._budget.has_room(size):
            self._dropped += 1
            return False
        self._conflated += older is not None
        self._latest[key] = message
        self._taken += 1
        self._grow(size)
        return True

    def _grow(self, size: int) -> None:
        self._bytes += size
        self._budget.used_bytes += size


def _size(message: bytes) -> int:
    return len(message) + OVERHEAD_BYTES
