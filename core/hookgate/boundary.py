"""Where one HTTP/1 message may end and the next begin, which llhttp does not tell."""

_EMPTY_LINE = b"\r\n\r\n"


def end_of_section(data: bytes, start: int, before: bytes | bytearray) -> int:
    """Return where in `data`, from `start` on, the first empty line ends; `len(data)` if none does.

    `before` is what came just before `start`: the empty line may have begun there. A head ends in
    one, and so does a chunked body, with trailers or without (RFC 9112 2.1, 7.1).
    """
    if before:
        joint = bytes(before[-3:]) + data[start : start + 3]
        found = joint.find(_EMPTY_LINE)
        if found >= 0:
            return start + found + len(_EMPTY_LINE) - min(len(before), 3)
    found = data.find(_EMPTY_LINE, start)
    return len(data) if found < 0 else found + len(_EMPTY_LINE)
