"""Who came back after about five minutes, as the provider does with what was not taken."""

from array import array

SLOT_SECONDS = 30
# A number of slots back, and so within half a minute more or less: five minutes, ten, fifteen. With
# several workers the fifth minute may have been another's.
_AGO = (9, 10, 11, 19, 20, 21, 29, 30, 31)
_MASK = sum(1 << ago for ago in _AGO)
_BITS = (1 << 32) - 1
ENTRIES = 8192


class Returns:
    """Remember for a quarter of an hour which networks came in which half minute.

    It takes 64 KiB, whoever comes. Networks that share an entry are taken for one: a flood makes
    others look as if they had come back, and can drive nobody out.
    """

    def __init__(self) -> None:
        # The latest slot, and before it a bit for each of the last 32.
        self._entries = array("Q", bytes(8 * ENTRIES))

    def note(self, network: str, now: float) -> bool:
        """Note that it came now, in seconds; tell whether it had come about five minutes ago."""
        place, slot = hash(network) % ENTRIES, int(now // SLOT_SECONDS) & _BITS
        entry = self._entries[place]
        passed = slot - (entry >> 32)
        bits = (entry & _BITS) << passed & _BITS if 0 <= passed < 32 else 0
        self._entries[place] = slot << 32 | bits | 1
        return bool(bits & _MASK)


def network_of(client: str) -> str:
    """Return the /24 or /48 of a client's address, as a key.

    A provider sends again from another address of the same network as well.
    """
    if ":" not in client:
        return client.rpartition(".")[0]
    left, elided, right = client.partition("::")
    groups = left.split(":") if left else []
    if elided:
        behind = right.split(":") if right else []
        groups += ["0"] * (8 - len(groups) - len(behind))
    return ":".join(groups[:3])
