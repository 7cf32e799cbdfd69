"""Where the pieces end that a parser gets, and how much of them it gets before others' turn."""

from hookgate.boundary import end_of_section

from .request_line import skip_line_ends

# What is parsed in one go: a piece of a few bytes takes some 4 us, a chunk of one byte 1 us, and
# others wait meanwhile. A body of a declared length is one piece, and takes next to nothing.
_TURN_BYTES = 4 * 1024
_PIECE_BYTES = 256
# Behind how many empty lines in a chunked body its end is still looked for: 4 us each.
_MAX_CUTS = 64


class Pieces:
    """Cut one connection's bytes where a message may end: so each head is there as it was sent,
    however many share a read. `max_head` is in bytes.
    """

    def __init__(self, max_head: int) -> None:
        self._max_head = max_head
        self._left = _TURN_BYTES
        self._cuts = 0  # in reads of this message

    @property
    def exhausted(self) -> bool:
        """Tell whether others should have their turn first."""
        return self._left <= 0

    @property
    def too_many(self) -> bool:
        """Tell whether a message was cut so often that nothing is read behind it."""
        return self._cuts > _MAX_CUTS

    def begin_turn(self) -> None:
        """Note that others had their turn."""
        self._left = _TURN_BYTES

    def begin_body(self) -> None:
        """Note that a head was complete."""
        self._cuts = 0

    def end(self, data: bytes, start: int, before: bytearray, *, in_message: bool) -> int:
        """Return where the piece of `data` ends that begins at `start`: where the message may end,
        may be found too large, or the turn ends.

        `before` is what came just before it, since a head or a part of a body was complete.
        """
        if not in_message:
            end = end_of_section(data, skip_line_ends(data, start), b"")
        elif self._cuts > _MAX_CUTS:
            end = len(data)
        else:
            end = end_of_section(data, start, before)
            self._cuts += end < len(data)
        end = min(end, start + self._max_head + 1 - len(before), start + self._left)
        self._left -= end - start + _PIECE_BYTES
        return end
