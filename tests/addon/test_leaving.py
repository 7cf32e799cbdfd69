"""A sender that leaves is recorded once, by how far it came."""

import threading

import pytest

from support.events import CLEAN
from support.mitmdump import Running, running_mitmdump
from support.raw import ask, connected, post, wait_until
from support.receiver import OK

HEAD = b"POST /cm/events HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"P",
        HEAD,
        post(CLEAN)[:-1],
        CHUNKED,
        CHUNKED + b"5\r\n{",
        CHUNKED + b"%x\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(CLEAN), CLEAN),
        b"\r\n" + post(CLEAN),
    ],
    ids=["one byte", "head", "body", "no chunk", "chunk", "trailers", "empty line first"],
)
def test_a_sender_that_leaves_before_it_is_judged(running: Running, sent: bytes) -> None:
    """`client_gone`, without an answer. A sender of trailers gets none: mitmproxy's HTTP fails."""
    traces = running.traces()
    with connected(running.port) as client:
        client.send(sent)
    assert traces.delivery()["reason"] == "client_gone"
    assert traces.untouched
    record = running.only_record(traces)
    assert (record["outcome"], record["status"], record["answered"]) == ("aborted", None, False)


@pytest.mark.parametrize("sent", [b"", b"\r\n\r\n"], ids=["nothing", "empty lines"])
def test_a_connection_that_asks_for_nothing_leaves_no_record(running: Running, sent: bytes) -> None:
    """As a look whether the port is open."""
    traces = running.traces()
    with connected(running.port) as client:
        client.send(sent)
    assert ask(running.port, post(CLEAN)).status == 200
    assert traces.delivery()["reason"] == "clean"


def test_a_sender_that_leaves_while_its_event_is_forwarded(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The exchange runs to its end: delivered, and recorded as not answered."""
    release = threading.Event()

    def respond(_: object) -> bytes:
        release.wait(30)
        return OK

    folder = tmp_path_factory.mktemp("gate")
    with running_mitmdump(folder, respond, **{"upstream.timeout": "20s"}) as slow:
        with connected(slow.port) as client:
            client.send(post(CLEAN))
            assert len(slow.upstream.wait_for(1)) == 1
        look = (
            "result = not any(h.layer.context.client.connected "
            "for h in ctx.master.addons.get('proxyserver').connections.values())"
        )
        assert wait_until(lambda: slow.gate.run_inside(look))
        threading.Timer(0.3, release.set).start()
        [record] = slow.gate.wait_for_deliveries(1)
        assert (record["outcome"], record["status"]) == ("delivered", 200)
        assert record["answered"] is False
        assert ask(slow.port, post(CLEAN)).status == 200
        assert slow.gate.wait_for_deliveries(2)[1]["answered"] is True
