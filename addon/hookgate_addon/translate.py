"""Translation: mitmproxy's requests to heads, answers to its responses, its errors to reasons."""

from mitmproxy import http
from mitmproxy.net.http import http1

from hookgate.gate.answer import Answer
from hookgate.gate.delivery import Delivery
from hookgate.policy import Head, Reason, make_head
from hookgate.reason_phrases import PHRASES
from hookgate.settings import SidecarSettings

UNFRAMED = "mitmproxy cannot frame it"


def peer_of(flow: http.HTTPFlow) -> str:
    """Return the address that the connection came from; "" where mitmproxy has none."""
    return str(flow.client_conn.peername[0]) if flow.client_conn.peername else ""


def head_of(flow: http.HTTPFlow) -> Head:
    """Return the request's head as it arrived, as far as mitmproxy kept it."""
    data = flow.request.data
    target = data.path
    if data.authority:
        # Absolute form: mitmproxy has taken it apart.
        target = data.scheme + b"://" + data.authority + data.path
    fields = [(name, value.strip(b" \t")) for name, value in data.headers.fields]
    version = data.http_version.decode("ascii", "replace").removeprefix("HTTP/")
    return make_head(peer_of(flow), data.method, target, fields, version)


def is_too_large(head: Head, bounds: SidecarSettings) -> bool:
    """Tell whether a head exceeds `max_head` bytes or `max_fields`; mitmproxy bounds neither."""
    size = len(head.target) + sum(len(name) + len(value) + 4 for name, value in head.fields)
    return size > bounds.max_head or len(head.fields) > bounds.max_fields


def is_http2_preface(request: http.Request) -> bool:
    """Tell whether this is HTTP/2's connection preface (RFC 9113 3.4), which gets no answer."""
    return (request.method, request.path, request.http_version) == ("PRI", "*", "HTTP/2.0")


def response_of(flow: http.HTTPFlow, answer: Answer) -> http.Response:
    """Make a new response out of the gate's answer."""
    response = http.Response(b"HTTP/1.1", answer.status, b"", (), b"", None, 0.0, None)
    fill_response(response, flow, answer)
    return response


def fill_response(response: http.Response, flow: http.HTTPFlow, answer: Answer) -> None:
    """Fill a response with the gate's answer; `Connection: close` where the framing is in doubt.

    It takes 7 us; a new response takes 34, because mitmproxy checks each type in it.
    """
    fields = list(answer.fields)
    if answer.has_length:
        fields.append((b"Content-Length", b"%d" % len(answer.body)))
    if answer.last or _is_last(flow.request):
        fields.append((b"Connection", b"close"))
    response.data.status_code = answer.status
    response.data.reason = PHRASES.get(answer.status, "").encode()
    response.data.headers = http.Headers(fields)
    response.data.content = answer.body


def _is_last(request: http.Request) -> bool:
    # h11 0.14, which mitmproxy 11 carries, accepts a malformed chunk ending; what follows it
    # is never parsed if the connection ends here.
    return "transfer-encoding" in request.headers or bool(
        http1.connection_close(  # type: ignore[no-untyped-call]  # as in mitmproxy
            request.http_version, request.headers
        )
    )


def end_abandoned(delivery: Delivery, message: str, max_body: int) -> None:
    """End the delivery of a request that mitmproxy gave up, by the message of its error.

    `max_body` is `request.max_body`, in bytes.
    """
    if delivery.ended or delivery.committed:
        delivery.leave()
    elif "body_size_limit" in message:
        delivery.refuse(Reason.BODY_TOO_LARGE, detail=f"more than {max_body} bytes")
    elif "peer closed connection" in message or message == "Client disconnected.":
        delivery.leave()
    elif "protocol error" in message:
        # It has closed the connection already.
        delivery.refuse(Reason.MALFORMED_HTTP, detail=UNFRAMED, answered=False)
    else:
        # It asked its dead upstream, so the addon had set no answer.
        delivery.refuse(Reason.GATE_ERROR)
