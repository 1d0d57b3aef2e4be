"""Limits on requests and on guesses of passwords. They count in memory, for this process alone."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from threading import Lock

_MOST_KEYS = 10_000
"""Most keys that are remembered; the one that was counted longest ago is dropped first."""
_TRIES, _MANY_TRIES, _WITHIN = 5, 50, 900
"""Wrong passwords for one name from one address, and for one name or from one address, within so many seconds."""
_ONE_SITE = 64
"""Bits of an IPv6 address that a provider gives to one customer, who may use all addresses below."""


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
            # subtle: a key that never counted is not stored, so that waiting alone can't drop others.
            events = self._recent(self._events.get(key, deque()))
            if len(events) < self._most:
                return 0
            return int(events[0] + self._seconds - self._clock()) + 1

    def count(self, key: Hashable) -> None:
        """Count an event of the key."""
        with self._lock:
            events = self._events.setdefault(key, deque(maxlen=self._most))
            self._events.move_to_end(key)
            self._recent(events).append(self._clock())
            if len(self._events) > _MOST_KEYS:
                self._events.popitem(last=False)

    def take_back(self, key: Hashable) -> None:
        """Drop the key's last event."""
        with self._lock:
            if events := self._events.get(key):
                events.pop()

    def forget(self, key: Hashable) -> None:
        """Drop the key's events."""
        with self._lock:
            self._events.pop(key, None)

    def _recent(self, events: deque[float]) -> deque[float]:
        while events and events[0] <= self._clock() - self._seconds:
            events.popleft()
        return events


class Guesses:
    """Limits wrong passwords by name, by address and by both."""

    def __init__(self) -> None:
        self._few, self._many = Throttle(_TRIES, _WITHIN), Throttle(_MANY_TRIES, _WITHIN)

    def wait(self, name: str, address: str) -> int:
        """Return the seconds until the next try is allowed; count one that is allowed now."""
        both, *each = _keys(name, address)
        wait = max(self._few.wait(both), *map(self._many.wait, each))
        if not wait:
            # Counted before the password is checked, so that many tries at once are no way round the limit.
            self._few.count(both)
            for key in each:
                self._many.count(key)
        return wait

    def forget(self, name: str, address: str) -> None:
        """Drop the wrong tries of a name from an address, and the right one that followed them."""
        both, *each = _keys(name, address)
        self._few.forget(both)
        for key in each:
            self._many.take_back(key)


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
    """Return the keys of both, of the name and of the address; IPv6 addresses of one customer count as one."""
    name = name.lower()
    with suppress(ValueError):  # a connection through a socket has no address
        known = ipaddress.ip_address(address)
        if isinstance(known, ipaddress.IPv6Address) and not known.ipv4_mapped:
            address = str(ipaddress.ip_network((known, _ONE_SITE), strict=False))
    return (name, address), ("name", name), ("address", address)
