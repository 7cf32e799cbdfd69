"""Who may look: the token, the sessions that it was exchanged for, and who does not have it."""

import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from hashlib import sha256

# Pages are left open; whoever closed theirs for so long shows the token again.
IDLE_SECONDS = 12 * 3600.0
MOST_SESSIONS = 16
# Wrong tokens that the log tells of, in so many seconds.
MOST_TOLD = 10
TOLD_SECONDS = 60.0


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


class WrongTokens:
    """Wrong tokens, of which no more are told than so many a minute.

    Whoever has the right one never waits for those who guess, who may come from his own address: by
    `ssh -L` and proxies all come from one. What keeps them out is that it cannot be guessed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: deque[float] = deque(maxlen=MOST_TOLD)
        self._untold = 0

    def note(self) -> int | None:
        """Count one; return how many before it went untold, None where it should as well."""
        now = self._clock()
        if len(self._told) == MOST_TOLD and now - self._told[0] < TOLD_SECONDS:
            self._untold += 1
            return None
        self._told.append(now)
        untold, self._untold = self._untold, 0
        return untold


def _digest(cookie: str) -> bytes:
    return sha256(cookie.encode("utf-8", "surrogateescape")).digest()
