"""The page's requests: its files, the exchange of the token for a cookie, and the stream."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from importlib.resources import files

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .places import LONGEST_TOKEN
from .readers import MOST_READERS, NoRoomError, Readers
from .sessions import Sessions, WrongTokens

_FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


class Pages:
    """The page and what it asks for. `place` tells this page's cookie from those of others.

    A cookie goes to every port of a host.
    """

    def __init__(
        self, sessions: Sessions, readers: Readers, log: structlog.BoundLogger, place: str
    ) -> None:
        self._sessions, self._readers, self._log = sessions, readers, log
        self._wrong = WrongTokens()
        digest = sha256(f"{os.uname().nodename} {place}".encode()).hexdigest()
        self._cookie = f"hookgate-live-{digest[:8]}"

    def app(self) -> Starlette:
        """Make the application."""
        return Starlette(
            routes=[
                *(Route(path, _serve(*named), methods=["GET"]) for path, named in _FILES.items()),
                Route("/events", self._events, methods=["GET"]),
                Route("/login", self._log_in, methods=["POST"]),
                Route("/logout", self._log_out, methods=["POST"]),
            ]
        )

    async def _events(self, request: Request) -> Response:
        cookie = self._cookie_of(request)
        if not self._sessions.holds(cookie):
            return _say(401, "Show the token first: POST /login.")
        return _Stream(self._readers, self._sessions, cookie)

    async def _log_in(self, request: Request) -> Response:
        token = b""
        try:
            async for part in request.stream():
                token += part
                if len(token) > LONGEST_TOKEN:
                    return _say(413, "No token is that long.", {"Connection": "close"})
        except ClientDisconnect:
            return Response()
        cookie = self._sessions.open(token.strip())
        if cookie is None:
            address = request.client.host if request.client else ""
            if (untold := self._wrong.note()) is not None:
                self._log.warning("live.wrong_token", client=address, untold=untold)
            return _say(403, "This is not the token.")
        response = Response(status_code=204)
        # Behind a TLS terminator the browser's own word says how it came.
        is_secure = request.url.scheme == "https" or (
            request.headers.get("origin", "").startswith("https://")
        )
        self._set(response, cookie, is_secure=is_secure)
        return response

    async def _log_out(self, request: Request) -> Response:
        self._sessions.close(self._cookie_of(request))
        return Response(status_code=204)

    def _set(self, response: Response, cookie: str, *, is_secure: bool) -> None:
        name = f"__Host-{self._cookie}" if is_secure else self._cookie
        response.set_cookie(name, cookie, httponly=True, samesite="strict", secure=is_secure)

    def _cookie_of(self, request: Request) -> str:
        cookies = request.cookies
        return cookies.get(f"__Host-{self._cookie}") or cookies.get(self._cookie, "")


class _Stream(StreamingResponse):
    """The state, now and each second, for as long as the session lasts."""

    def __init__(self, readers: Readers, sessions: Sessions, cookie: str) -> None:
        super().__init__(self._told(), media_type="text/event-stream")
        self._readers, self._sessions, self._session = readers, sessions, cookie

    async def _told(self) -> AsyncIterator[bytes]:
        async for state in self._readers.states():
            if not self._sessions.holds(self._session):
                return
            yield b"data: %b\n\n" % state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as long as the reader reads; or say that there is no room."""
        try:
            with self._readers.place():
                await super().__call__(scope, receive, send)
        except NoRoomError:
            text = f"{MOST_READERS} pages are open already, as many as may be. Close one of them."
            await _say(503, text, {"Retry-After": "5"})(scope, receive, send)


def _serve(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    content = files(__package__).joinpath("page", name).read_bytes()

    async def serve(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return serve


def _say(status: int, text: str, headers: dict[str, str] | None = None) -> PlainTextResponse:
    return PlainTextResponse(f"{text}\n", status, headers)
