"""A small HTTP receiver that answers and keeps the bodies that reached it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Receiver:
    """Context manager that listens at `url`, a free port of 127.0.0.1, and collects `bodies`.

    It answers 200 with nothing in it, but on the paths of `answers` with their status and body, and
    calls `before` with each body before that.
    """

    def __init__(
        self,
        answers: Mapping[str, tuple[int, bytes]],
        before: Callable[[bytes], object] = lambda _: None,
    ) -> None:
        self.bodies: list[bytes] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                receiver.bodies.append(body)
                before(body)
                status, answer = answers.get(self.path, (200, b""))
                self.send_response(status)
                if answer:
                    self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                with suppress(ConnectionError):  # a gate that was killed meanwhile
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Receiver":
        Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
