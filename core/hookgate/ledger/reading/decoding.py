"""The bytes that were written, out of a file that may be compressed: its content tells how."""

import io
from bz2 import BZ2File
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from gzip import GzipFile
from importlib.util import find_spec
from lzma import LZMAError, LZMAFile
from pathlib import Path
from typing import IO, Any, NamedTuple
from zlib import error as ZlibError  # noqa: N812  # the class that zlib calls error

BUFFER = 1 << 18
HEAD = 512
# What reading raises where a file is cut off, damaged, or the disk fails.
DAMAGE = (EOFError, OSError, ZlibError, LZMAError)
# No more than 32 MiB come of so many bytes of zstd.
_ZSTD_INPUT = 1024

_Open = Callable[[IO[bytes]], IO[bytes]]


class UnreadableError(OSError):
    """A file that is there and cannot be read as a ledger; `strerror` says why and what helps."""

    def __init__(self, text: str) -> None:
        super().__init__(None, text)


class Compression(NamedTuple):
    """How a file is compressed; `suffix` is how it is usually called."""

    name: str
    suffix: str
    magic: bytes
    open: _Open


def _open_zstd(raw: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(_ZstdReader(raw), BUFFER)


class _Chunks(io.RawIOBase):
    """What a decompressor gives, as it comes: lines are then found in C. Before what is damaged all
    that was read is given.
    """

    def __init__(self, stream: GzipFile | LZMAFile | BZ2File) -> None:
        self._read = stream.read1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _buffered(open_: Callable[[IO[bytes]], GzipFile | LZMAFile | BZ2File]) -> _Open:
    return lambda raw: io.BufferedReader(_Chunks(open_(raw)), BUFFER)


_COMPRESSIONS = (
    Compression("gzip", ".gz", b"\x1f\x8b", _buffered(lambda raw: GzipFile(fileobj=raw))),
    Compression("xz", ".xz", b"\xfd7zXZ\0", _buffered(LZMAFile)),
    Compression("xz", ".lzma", b"]\0\0", _buffered(LZMAFile)),
    Compression("bzip2", ".bz2", b"BZh", _buffered(BZ2File)),
    Compression("zstd", ".zst", b"(\xb5/\xfd", _open_zstd),
)
_UNREAD = {
    b"PK\x03\x04": ("a zip archive", "unzip -p"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "7z x -so"),
    b"\x04\x22\x4d\x18": ("compressed with lz4", "lz4 -dc"),
    b"\x89LZO\0": ("compressed with lzop", "lzop -dc"),
    b"LZIP": ("compressed with lzip", "lzip -dc"),
    b"\x1f\x9d": ("compressed with compress", "gzip -dc"),
    b"Salted__": ("encrypted by openssl", "openssl enc -d -in"),
    b"age-encryption.org/": ("encrypted by age", "age -d"),
    b"-----BEGIN PGP": ("encrypted or signed by PGP", "gpg -d"),
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{")


def is_compressed_name(name: str) -> bool:
    """Tell whether a name ends as those of compressed files do that can be read."""
    return name.endswith((*(how.suffix for how in _COMPRESSIONS), ".zstd"))


def tell_compression(head: bytes) -> Compression | None:
    """Tell how a file with this beginning is compressed, None where it is not.

    Raises `UnreadableError` for a kind that is known and not read.
    """
    for magic, (what, command) in _UNREAD.items():
        if head.startswith(magic):
            raise UnreadableError(f"{what}: `{command} FILE > OTHER`, and move it away")
    # zstd files may begin with a frame that holds no data.
    if head[1:4] == b"*M\x18" and head[:1] and 0x50 <= head[0] <= 0x5F:
        head = _COMPRESSIONS[-1].magic
    found = next((how for how in _COMPRESSIONS if head.startswith(how.magic)), None)
    if found is not None and found.name == "zstd" and find_spec("zstandard") is None:
        raise UnreadableError(
            "compressed with zstd: pip install 'hookgate[audit]' adds what reads it; or"
            " `zstd -dc FILE > OTHER`, and move it away"
        )
    return found


def check_text(head: bytes) -> None:
    """Raise `UnreadableError` where what a file holds, decompressed, is no text of UTF-8."""
    if head.startswith(_UTF16):
        raise UnreadableError(
            "UTF-16, as PowerShell's > writes: `iconv -f UTF-16 -t UTF-8 FILE > OTHER`, and move it"
            " away"
        )
    if head[257:262] == b"ustar":
        raise UnreadableError("a tar archive: unpack it, and move it away")


class Decoded(NamedTuple):
    """A file that is open: its own bytes, of which `raw.tell()` is the progress, and the text's."""

    raw: IO[bytes]
    text: IO[bytes]


@contextmanager
def open_decoded(path: Path, compression: Compression | None) -> Iterator[Decoded]:
    """Open a file to read what it holds. Raises OSError; reading raises `DAMAGE`."""
    with path.open("rb", buffering=BUFFER) as raw:
        yield Decoded(raw, raw if compression is None else compression.open(raw))


class _ZstdReader(io.RawIOBase):
    """Frame after frame; unlike zstandard's own reader it says so where the last is cut off."""

    def __init__(self, raw: IO[bytes]) -> None:
        import zstandard  # noqa: PLC0415  # an extra

        self._decompressor = zstandard.ZstdDecompressor()
        self._error = zstandard.ZstdError
        self._raw = raw
        self._frame: Any = None
        self._input = self._output = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._output:
            data = self._input or self._raw.read(_ZSTD_INPUT)
            if not data:
                if self._frame is not None:
                    raise EOFError
                return 0
            self._decompress(data)
        size = min(len(buffer), len(self._output))
        buffer[:size], self._output = self._output[:size], self._output[size:]
        return size

    def _decompress(self, data: bytes) -> None:
        frame = self._frame = self._frame or self._decompressor.decompressobj()
        try:
            self._output = frame.decompress(data)
        except self._error as error:
            raise OSError(None, str(error)) from None
        self._input = frame.unused_data if frame.eof else b""
        if frame.eof:
            self._frame = None
