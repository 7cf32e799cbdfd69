"""Anything that can be done to the files of a ledger, drawn at random."""

from pathlib import Path
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from hookgate.ledger.reading.reader import find_files
from hookgate.ledger.state import find_states

from .forgery import NEW, OLD, delivered

MADE_UP = st.sampled_from(
    [
        b"\n", b" \n", b"\r\n", b"{}\n", b'{"event":"stop"}\n', b"\xff\n", b"{",
        delivered(**NEW), delivered(**OLD), delivered(front="nginx", boot=None),
        delivered(**NEW)[:-1], delivered(boot="boot-a", n=99, prev="0" * 64),
        delivered(boot="boot-c", prev="0" * 64),
        delivered(event="start", previous_line="", follows="", **NEW),
        delivered(event="start", previous_line="", follows=None, n=1, prev=""),
        delivered(event="start", previous_line="", **OLD),
    ]
)  # fmt: skip


def tamper(draw: Any, path: Path) -> None:
    """One thing done to one of the files, or to two."""
    files = [*find_files(path), *find_states(path)]
    assume(files)
    file, other = draw(st.sampled_from(files)), draw(st.sampled_from(files))
    data = file.read_bytes()
    lines = data.splitlines(keepends=True)
    at = draw(st.integers(0, max(0, len(data) - 1)))
    index = draw(st.integers(0, max(0, len(lines) - 1)))
    to = draw(st.integers(0, len(lines)))
    match draw(st.sampled_from(["byte", "insert byte", "delete bytes", "line", "delete lines",
                                "copy", "move", "cut", "head", "delete", "swap", "join", "boot",
                                "white space", "unseal", "take"])):  # fmt: skip
        case "byte":
            byte = draw(st.integers(0, 255))
            data = data[:at] + bytes([byte]) + data[at + 1 :]
        case "insert byte":
            data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at:]
        case "delete bytes":
            data = data[:at] + data[at + draw(st.integers(1, 900)) :]
        case "line":
            data = b"".join([*lines[:to], draw(MADE_UP), *lines[to:]])
        case "delete lines":
            data = b"".join([*lines[:index], *lines[index + draw(st.integers(1, 3)) :]])
        case "copy":
            data = b"".join([*lines[:to], *lines[index : index + 2], *lines[to:]])
        case "move":
            taken = lines[index : index + 1]
            rest = [*lines[:index], *lines[index + 1 :]]
            data = b"".join([*rest[:to], *taken, *rest[to:]])
        case "cut":
            data = data[:at]
        case "head":
            data = data[at:]
        case "delete":
            file.unlink()
            return
        case "swap":
            data, there = other.read_bytes(), data
            other.write_bytes(there)
        case "join":
            data += other.read_bytes()
            if other != file:
                other.unlink()
        case "boot":
            name = draw(st.sampled_from([b"boot-a", b"boot-b", b"boot-c", b"boot-z"]))
            data = b"".join(line for line in lines if name not in line)
        case "white space":
            data = data.replace(b",", b", ", draw(st.integers(1, 3)))
        case "unseal":
            data = b"".join(line.partition(b',"mac":"')[0] + b"}\n" for line in lines)
        case _:
            taken = lines[index : index + draw(st.integers(1, 4))]
            data = b"".join(line for line in lines if line not in taken)
            if other != file:
                there = b"".join(taken) if draw(st.booleans()) else b""
                other.write_bytes(other.read_bytes() + there)
    file.write_bytes(data)
