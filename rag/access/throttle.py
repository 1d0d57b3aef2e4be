"""Limits on tries and requests over time. They count in memory, for this process alone."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from threading import Lock

_MOST_KEYS = 10_000
"""Most keys that are remembered; the one used longest ago is dropped first."""


class Throttle:
    """Allows `most` events of a key within `seconds`."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        self._events: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def wait(self, key: Hashable) -> int:
        """Return the seconds until the key's next event is allowed; 0 for now."""
        with self._lock:
            events = self._recent(key)
            if len(events) < self._most:
                return 0
            return int(events[0] + self._seconds - self._clock()) + 1

    def count(self, key: Hashable) -> None:
        """Count an event of the key."""
        with self._lock:
            self._recent(key).append(self._clock())

    def forget(self, key: Hashable) -> None:
        """Drop the key's events."""
        with self._lock:
            self._events.pop(key, None)

    def _recent(self, key: Hashable) -> deque[float]:
        events = self._events.setdefault(key, deque(maxlen=self._most))
        self._events.move_to_end(key)
        while len(self._events) > _MOST_KEYS:
            self._events.popitem(last=False)
        while events and events[0] <= self._clock() - self._seconds:
            events.popleft()
        return events
