"""The shipped files and the real ranges, from real addresses in and outside them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.nginx import FULL, main, write

SHIPPED = Path(__file__).parents[2] / "nginx"
INSIDE = ("31.169.56.0", "31.169.56.7", "31.169.63.255", "85.119.48.1", "85.119.55.254",
          "188.94.184.1", "188.94.187.9")  # fmt: skip
OUTSIDE = ("31.169.55.255", "31.169.64.1", "85.119.56.1", "85.119.47.9", "188.94.188.1",
           "188.94.183.9", "203.0.113.9")  # fmt: skip

# Runs in a network of its own: what is asked from each address, of either use, as JSON.
_SCRIPT = """
import json, socket, subprocess, sys, time
nginx, folder, addresses = sys.argv[1], sys.argv[2], sys.argv[3:]
def run(*command): subprocess.run(command, check=True)
run("ip", "link", "set", "lo", "up")
for address in addresses: run("ip", "address", "add", address + "/32", "dev", "lo")
upstream = socket.create_server(("127.0.0.1", 8080))
process = subprocess.Popen([nginx, "-p", folder, "-e", "error.log", "-c", folder + "/nginx.conf",
                            "-g", "daemon off;"])
def ask(source, port):
    with socket.create_connection(("127.0.0.1", port), 5, source_address=(source, 0)) as c:
        c.sendall(b"POST / HTTP/1.1\\r\\nHost: h\\r\\nContent-Type: application/json\\r\\n"
                  b"Content-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{}")
        if source in INSIDE and port == 8002:
            connection, _ = upstream.accept()
            head = b""
            while b"{}" not in head: head += connection.recv(9999)
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
            connection.close()
        data = b""
        while more := c.recv(9999): data += more
        return data.decode("latin-1")
INSIDE = set(addresses[:int(len(addresses) / 2)])
until = time.monotonic() + 10
while True:
    try: socket.create_connection(("127.0.0.1", 8001)).close(); break
    except OSError:
        if time.monotonic() > until: raise
        time.sleep(0.02)
try: print(json.dumps({a: [ask(a, 8001), ask(a, 8002)] for a in addresses}))
finally: process.terminate(); process.wait()
"""


def namespaces() -> bool:
    command = ["unshare", "-n", "sh", "-c", "ip link set lo up"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not namespaces(), reason="network namespaces are not permitted here")
def test_who_may_send_is_decided_by_the_real_ranges(tmp_path: Path) -> None:
    """Each end of each range is in, and the addresses beside them are out, in both uses."""
    from support.nginx import binary

    write(tmp_path, {p.name: p.read_text() for p in SHIPPED.glob("hookgate-*.conf")})
    location = tmp_path / "hookgate-location.conf"
    location.write_text(location.read_text().replace("/var/log/nginx/", f"{tmp_path}/"))
    http = f"""include hookgate-http.conf;
        server {{ listen 8001; include hookgate-allow.conf; return 200 in; }}
        server {{ listen 8002; {FULL} }}"""
    (tmp_path / "nginx.conf").write_text(main(http))
    script = [sys.executable, "-c", _SCRIPT, binary(), str(tmp_path), *INSIDE, *OUTSIDE]
    done = subprocess.run(["unshare", "-n", *script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    for address in INSIDE:
        assert [text[9:12] for text in answers[address]] == ["200", "200"], address
    for address in OUTSIDE:
        assert [text[9:12] for text in answers[address]] == ["403", "403"], address
        assert all(text.endswith("\r\n\r\n") for text in answers[address])
    log = (tmp_path / "hookgate-audit.jsonl").read_text().splitlines()
    clients = {r["client"]: r["reason"] for r in map(json.loads, log)}
    assert clients == dict.fromkeys(INSIDE, "clean") | dict.fromkeys(OUTSIDE, "source_not_allowed")
