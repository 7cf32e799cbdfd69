"""Sites around the rendered includes, whose treasure no stranger may see."""

TREASURE = "the-treasure"

_PASSWORD = 'auth_basic "x"; auth_basic_user_file users;'
_GIVE = f"return 200 {TREASURE};"

# Servers below hookgate-allow.conf (or hookgate-location.conf), by what could undo it. Each gives
# its treasure at /treasure.txt to whom it admits.
AT_SERVER = {
    "return in a location": f"location / {{ {_GIVE} }}",
    "return at the same level": _GIVE,
    "allow all further in": "location / { allow all; root static; }",
    "deny further in": "location / { deny 192.0.2.1; root static; }",
    "satisfy any at the same level": f"satisfy any; {_PASSWORD} location / {{ root static; }}",
    "satisfy any further in": f"location / {{ satisfy any; {_PASSWORD} root static; }}",
    "try_files": "location / { root static; try_files /nothing /treasure.txt =404; }",
    "try_files to a location": f"""
        location / {{ root static; try_files /nothing @inner; }}
        location @inner {{ allow all; {_GIVE} }}""",
    "error_page to the treasure": f"""
        error_page 400 403 404 405 = /inner;
        location / {{ root static; }}
        location /inner {{ allow all; {_GIVE} }}""",
    "error_page to a named location": f"""
        error_page 403 404 = @inner;
        location / {{ root static; }}
        location @inner {{ allow all; {_GIVE} }}""",
    "rewrite to a location": f"""
        location / {{ rewrite ^ /inner last; }}
        location /inner {{ allow all; {_GIVE} }}""",
    "rewrite at the same level": f"""
        rewrite ^ /inner last;
        location /inner {{ allow all; {_GIVE} }}""",
    "nested locations": f"location / {{ allow all; location /treasure {{ {_GIVE} }} }}",
    "a regex location": f"location ~ . {{ allow all; {_GIVE} }}",
    "alias": "location /treasure { allow all; alias static/treasure; }",
    "proxy_pass": "location / { allow all; proxy_pass http://behind; }",
}

# Locations that include hookgate-allow.conf themselves, in place of {allow}.
IN_LOCATION = {
    "return": f"location / {{ {{allow}} {_GIVE} }}",
    "allow all below": "location / { {allow} allow all; root static; }",
    "allow all above": "location / { allow all; {allow} root static; }",
    "satisfy any": f"location / {{ satisfy any; {_PASSWORD} {{allow}} root static; }}",
    "try_files": "location / { {allow} root static; try_files /nothing /treasure.txt =404; }",
    "static": "location / { {allow} root static; }",
    "alias": "location /treasure { {allow} alias static/treasure; }",
    "proxy_pass": "location / { {allow} proxy_pass http://behind; }",
    "rewrite within": "location / { {allow} rewrite ^ /treasure.txt break; root static; }",
}


def _request(line: str, *fields: str, body: str = "") -> bytes:
    return "\r\n".join([line, *fields, "", body]).encode("latin-1")


_CLOSE = "Connection: close"
_LOGIN = "Authorization: Basic dXNlcjpwYXNz"  # user:pass, as in the file `users`
_GET = "GET /treasure.txt HTTP/1.1"
_JSON = ("Content-Type: application/json", "Content-Length: 2")


def _get(*fields: str) -> bytes:
    return _request(_GET, "Host: h", _LOGIN, *fields, _CLOSE)


# What an admitted sender gets the treasure by.
PLAIN = _get()

ATTEMPTS = {
    "plain": PLAIN,
    "an event": _request(
        "POST /treasure.txt HTTP/1.1", "Host: h", _LOGIN, *_JSON, _CLOSE, body="{}"
    ),
    "X-Forwarded-For": _get("X-Forwarded-For: 31.169.56.1"),
    "X-Forwarded-For, twice": _get("X-Forwarded-For: 31.169.56.1", "X-Forwarded-For: 85.119.48.1"),
    "X-Forwarded-For with a proxy": _get("X-Forwarded-For: 31.169.56.1, 127.0.0.20"),
    "X-Forwarded-For of the allowed peer": _get("X-Forwarded-For: 127.0.0.10"),
    "X_Forwarded_For": _get("X_Forwarded_For: 31.169.56.1"),
    "X-Real-IP": _get("X-Real-IP: 31.169.56.1"),
    "Forwarded": _get("Forwarded: for=31.169.56.1"),
    "every other name of the client": _get(
        "True-Client-IP: 31.169.56.1", "CF-Connecting-IP: 31.169.56.1", "X-Client-IP: 31.169.56.1"
    ),
    "a PROXY line": b"PROXY TCP4 31.169.56.1 127.0.0.1 1 2\r\n" + PLAIN,
    "a PROXY header of version 2": bytes.fromhex("0d0a0d0a000d0a515549540a21110000") + PLAIN,
    "HTTP/1.0 without Host": _request("GET /treasure.txt HTTP/1.0", _LOGIN),
    "HTTP/0.9": b"GET /treasure.txt\r\n",
    "HTTP/2.0": _request("GET /treasure.txt HTTP/2.0", "Host: h", _LOGIN, _CLOSE),
    "absolute-form": _request("GET http://h/treasure.txt HTTP/1.1", "Host: h", _LOGIN, _CLOSE),
    "absolute-form of another host": _request(
        "GET http://other.example/treasure.txt HTTP/1.1", "Host: h", _LOGIN, _CLOSE
    ),
    "another Host": _request(_GET, "Host: other.example", _LOGIN, _CLOSE),
    "a Host in the ranges": _request(_GET, "Host: 31.169.56.1", _LOGIN, _CLOSE),
    "two Hosts": _get("Host: other.example"),
    "no Host": _request(_GET, _LOGIN, _CLOSE),
    **{
        f"method {method}": _request(f"{method} /treasure.txt HTTP/1.1", "Host: h", _LOGIN, _CLOSE)
        for method in (
            "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW", "get"
        )
    },
    "method override": _get("X-HTTP-Method-Override: POST", "X-Method-Override: POST"),
    **{
        f"target {target}": _request(f"GET {target} HTTP/1.1", "Host: h", _LOGIN, _CLOSE)
        for target in (
            "//treasure.txt",
            "/x/../treasure.txt",
            "/./treasure.txt",
            "/%2e/treasure.txt",
            "/x/%2e%2e/treasure.txt",
            "/%74reasure.txt",
            "/treasure.txt%00",
            "/treasure.txt?x",
            "/treasure.txt#x",
            "/treasure.txt/",
            "/TREASURE.TXT",
            "/inner",
            "//inner",
            "/hookgate",
            "//hookgate",
            "/%2fhookgate",
            "/@inner",
            "*",
            "treasure.txt",
            "/../treasure.txt",
        )
    },
    "pipelined": _request(_GET, "Host: h", _LOGIN, "", "") * 3 + PLAIN,
    "pipelined behind a body": _request(
        "POST / HTTP/1.1", "Host: h", *_JSON, body="{}"
    ) + PLAIN,
    "behind a length of 007": _request(
        "POST / HTTP/1.1", "Host: h", "Content-Length: 002", body="{}"
    ) + PLAIN,
    "100-continue": _get("Expect: 100-continue", "Content-Length: 0"),
    "another expectation": _get("Expect: 200-ok"),
    "an upgrade": _get("Connection: Upgrade", "Upgrade: websocket"),
    "a range": _get("Range: bytes=0-"),
    "a condition": _get("If-None-Match: *"),
    "chunked": _request(
        "POST /treasure.txt HTTP/1.1", "Host: h", _LOGIN, "Transfer-Encoding: chunked", _CLOSE,
        body="2\r\n{}\r\n0\r\n\r\n",
    ),
    "a length and chunked": _request(
        "POST /treasure.txt HTTP/1.1", "Host: h", _LOGIN, "Transfer-Encoding: chunked",
        "Content-Length: 5", _CLOSE, body="0\r\n\r\n" + PLAIN.decode(),
    ),
    "a long target": _request(f"GET /{'a' * 40000} HTTP/1.1", "Host: h", _LOGIN, _CLOSE),
    "a long field": _get("X-A: " + "a" * 40000),
    "a large body": _request(
        "POST /treasure.txt HTTP/1.1", "Host: h", _LOGIN, "Content-Length: 99999999", _CLOSE
    ),
}  # fmt: skip
