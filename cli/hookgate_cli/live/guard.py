"""What each request must be before anything of the page is told: an ASGI middleware."""

import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from hookgate_sidecar.host_field import is_own_name

# No response may do without one of these.
HEADERS = [
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
            " img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none';"
            " require-trusted-types-for 'script'; trusted-types 'none'"
        ),
    ),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
]
_PORT = re.compile(r":[0-9]{0,5}\Z")


class Guard:
    """Refuse what a page of another site makes a browser send (DNS rebinding, forged requests).

    `names` are the Host names that this page goes by, beside localhost and every address.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] == "http" and (refusal := self._refuse(scope)) is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refuse(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return _say(421, "This page goes by an address, localhost or a name given as --host.")
        if scope["method"] not in ("GET", "POST"):
            return _say(405, "GET and POST alone are answered.", {"Allow": "GET, POST"})
        if not _is_same_site(headers, scope) or not _is_own_origin(headers, hosts[0]):
            return _say(403, "Another site sent this. Open the page by its address.")
        return None

    def _is_ours(self, host: str) -> bool:
        # A name is what an attacker may have lead here (DNS rebinding); an address leads nowhere
        # else.
        return is_own_name(host) or _PORT.sub("", host).lower() in self._names


def _is_same_site(headers: Headers, scope: Scope) -> bool:
    """By Fetch Metadata (W3C), which every browser sends to loopback and over TLS."""
    sites = headers.getlist("sec-fetch-site")
    if not sites or sites == ["same-origin"] or sites == ["none"]:
        return True
    # A link in a chat or a run book may lead to the page, which holds no figure by itself.
    return (
        scope["method"] == "GET"
        and scope["path"] == "/"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _is_own_origin(headers: Headers, host: str) -> bool:
    """By Origin, where there is one: RFC 6454. A scheme is not compared: TLS may end before us."""
    origins = headers.getlist("origin")
    return not origins or origins in ([f"http://{host}"], [f"https://{host}"])


def _say(status: int, text: str, headers: dict[str, str] | None = None) -> PlainTextResponse:
    return PlainTextResponse(f"{text}\n", status, {"Connection": "close", **(headers or {})})
