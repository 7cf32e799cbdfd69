"""The nginx includes, rendered from a configuration. Pure: settings in, texts out.

nginx decides what the head of a request tells: source, method, route, media type, content encoding
and size. It reads no body. Tried on nginx 1.22.1, the oldest version supported.
"""

from .location import tell_relayed
from .names import Names
from .render import render
from .syntax import RenderError

__all__ = ["Names", "RenderError", "render", "tell_relayed"]
