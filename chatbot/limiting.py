"""How often somebody may do something: a moving window of a minute, in the memory of this process."""

from __future__ import annotations

import ipaddress
import math
import threading
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from retrieval.errors import MessageError

_IPV6_NETWORK = 64  # one household or machine has as many addresses as such a network holds


class RateLimiter:
    """At most ``per_minute`` in any sixty seconds, each key for itself; 0: as many as one likes. Thread-safe."""

    def __init__(self, per_minute: int) -> None:
        """Begin with nothing counted."""
        self._most = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._lock = threading.Lock()

    def take(self, *keys: str) -> int:
        """Count one for every key, or for none of them if one has had its share.

        Returns:
            0 when it was counted, else the whole seconds until there is room for the next.
        """
        if self._most is None:
            return 0
        with self._lock:  # that two keys are counted together, the library cannot say
            if wait := self.wait(*keys):
                return wait
            # at the very end of a window the library's look and its count differ
            return 0 if all([self._window.hit(self._most, key) for key in keys]) else 1

    def wait(self, *keys: str) -> int:
        """Return the whole seconds until there is room for one more of every key, 0 when there is; nothing is counted."""
        most = self._most
        full = [key for key in keys if not self._window.test(most, key)] if most else []
        if not full or most is None:
            return 0
        free = max(self._window.get_window_stats(most, key).reset_time for key in full)
        return max(1, math.floor(free - time.time()) + 1)


class MessageLimiter:
    """Limits the messages of a person and of an address."""

    def __init__(self, per_minute: int) -> None:
        """Take ``Settings.messages_per_minute``; 0: no limit."""
        self._rate = RateLimiter(per_minute)

    def check(self, user: str, address: str) -> None:
        """Count a message that is about to be answered.

        Raises:
            MessageError: ``error_rate``, with the seconds to wait: it is one too many, and was not counted.
        """
        wait = self._rate.take(f"user {user}", f"address {address_network(address)}")
        if wait:
            raise MessageError(f"Too many messages at once. Wait {wait} seconds.", key="error_rate", seconds=wait)


def address_network(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        known = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, _IPV6_NETWORK), strict=False))
