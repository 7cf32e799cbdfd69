"""What heads of admitted senders look like: their paths, field names and lengths of bodies."""

from collections.abc import Iterable

from hookgate.trace_fields import TRACE_FIELDS

# What is not shown for so long is forgotten.
KEPT_SECONDS = 7 * 86_400
MOST_SHAPES = 64
MOST_PATHS = 1024
# Ids, and what is said of a connection (RFC 9110 7.6.1, 10.1.1), come and go with the way.
_OF_THE_WAY = frozenset(
    name.encode()
    for name in (*TRACE_FIELDS, "connection", "keep-alive", "proxy-connection", "te", "expect")
)


class _Shape:
    """Hold when these names were shown last, and between which lengths."""

    __slots__ = ("last", "longest", "shortest")

    def __init__(self) -> None:
        self.last = 0.0
        self.shortest: int | None = None
        self.longest = 0


class Shapes:
    """Learn from heads that were admitted; of names and paths their hashes alone are kept.

    Where there is no room for one more, that which was shown longest ago goes. `now` is in seconds
    of any clock that only goes forward.
    """

    def __init__(self) -> None:
        self._shapes: dict[int, _Shape] = {}
        self._paths: dict[int, float] = {}

    def __bool__(self) -> bool:
        return bool(self._shapes)

    def learn(self, path: int, names: int, length: int | None, now: float) -> None:
        """Note an admitted head; `length` is its body's in bytes, None where it declares none."""
        shape = self._shapes.pop(names, None) or _Shape()
        self._shapes[names] = shape  # the latest is the last
        shape.last = now
        if length is not None:
            shape.longest = max(shape.longest, length)
            shape.shortest = length if shape.shortest is None else min(shape.shortest, length)
        self._paths.pop(path, None)
        self._paths[path] = now
        for known, most in ((self._shapes, MOST_SHAPES), (self._paths, MOST_PATHS)):
            if len(known) > most:
                del known[next(iter(known))]

    def forget(self, now: float) -> None:
        """Forget what was not shown for a week."""
        for names in [names for names, shape in self._shapes.items() if _is_old(shape.last, now)]:
            del self._shapes[names]
        for path in [path for path, last in self._paths.items() if _is_old(last, now)]:
            del self._paths[path]

    def has_path(self, path: int) -> bool:
        """Tell whether an admitted sender has asked for this path."""
        return path in self._paths

    def has_names(self, names: int) -> bool:
        """Tell whether an admitted sender has shown exactly these field names."""
        return names in self._shapes

    def fits(self, names: int, length: int | None) -> bool:
        """Tell whether a body's length is from half the shortest to twice the longest admitted.

        Of those with the same names, where there are any; a body that declares no length fits.
        """
        if length is None:
            return True
        one = self._shapes.get(names)
        shapes = [one] if one is not None else self._shapes.values()
        return any(
            shape.shortest is not None and shape.shortest <= 2 * length <= 4 * shape.longest
            for shape in shapes
        )


def digest(parts: Iterable[bytes]) -> int:
    """Return the hash by which field names, in lower case, are compared: whatever their order.

    Those that a way adds, or leaves out, do not count.
    """
    return hash(frozenset(parts) - _OF_THE_WAY)


def _is_old(last: float, now: float) -> bool:
    return now - last > KEPT_SECONDS
