"""Who may look: the token, the sessions that it was exchanged for, and how often it is tried."""

import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from hashlib import sha256

# Pages are left open; whoever closed theirs for so long shows the token again.
IDLE_SECONDS = 12 * 3600.0
MOST_SESSIONS = 16
# Wrong tokens from one address, in so many seconds.
MOST_TRIES = 10
TRIES_SECONDS = 60.0
_MOST_ADDRESSES = 256


class Sessions:
    """The sessions of this process, known by the digests of their cookies: none outlives it."""

    def __init__(self, token: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = sha256(token).digest()
        self._clock = clock
        self._used: OrderedDict[bytes, float] = OrderedDict()

    def open(self, token: bytes) -> str | None:
        """Exchange the token for a new session's cookie, 256 random bits; None for a wrong one."""
        if not hmac.compare_digest(sha256(token).digest(), self._token):
            return None
        cookie = secrets.token_urlsafe(32)
        self._used[_digest(cookie)] = self._clock()
        if len(self._used) > MOST_SESSIONS:
            self._used.popitem(last=False)
        return cookie

    def holds(self, cookie: str) -> bool:
        """Tell whether a cookie is of a session here, which counts as used now."""
        # By its digest: how long the look takes says nothing of a cookie.
        digest, now = _digest(cookie), self._clock()
        used = self._used.get(digest)
        if used is None:
            return False
        if now - used > IDLE_SECONDS:
            del self._used[digest]
            return False
        self._used[digest] = now
        self._used.move_to_end(digest)
        return True

    def close(self, cookie: str) -> None:
        """End the session of a cookie, if it has one."""
        self._used.pop(_digest(cookie), None)


class Tries:
    """Wrong tokens, counted by address: who guesses shuts out nobody at another one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Return in how many seconds this address may try; 0 where it may now."""
        times = self._wrong.get(address)
        if times is None or len(times) < MOST_TRIES:
            return 0.0
        return max(0.0, times[0] + TRIES_SECONDS - self._clock())

    def note(self, address: str) -> None:
        """Count a wrong token."""
        times = self._wrong.setdefault(address, deque(maxlen=MOST_TRIES))
        times.append(self._clock())
        self._wrong.move_to_end(address)
        if len(self._wrong) > _MOST_ADDRESSES:
            self._wrong.popitem(last=False)


def _digest(cookie: str) -> bytes:
    return sha256(cookie.encode("utf-8", "surrogateescape")).digest()
