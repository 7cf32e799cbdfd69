"""The standalone front: HTTP/1.1 in, judged and recorded by the same gate as every front."""

from .listener import ListenError
from .run import serve
from .server import Server

__all__ = ["ListenError", "Server", "serve"]
