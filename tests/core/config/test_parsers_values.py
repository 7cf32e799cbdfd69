"""What each kind of key takes, value by value."""

from typing import Any

import pytest

from hookgate.config import parsers

GOOD: dict[str, list[tuple[Any, Any]]] = {
    "text": [("x", "x"), ("", ""), ("é ü", "é ü")],
    "boolean": [(True, True), (False, False), ("true", True), ("false", False)],
    "strings": [
        ([], ()),
        (["a", "b"], ("a", "b")),
        ("a", ("a",)),
        ("a, b ,c", ("a", "b", "c")),
        ("", ()),
        (" , ", ()),
    ],
    "number": [(1, 1), (10, 10), ("5", 5), ("007", 7)],
    "choice": [("a", "a"), ("b", "b")],
    "methods": [
        (["POST"], ("POST",)),
        (["PUT", "POST"], ("PUT", "POST")),
        (["POST", "POST"], ("POST",)),
        ("POST,PATCH", ("POST", "PATCH")),
    ],
    "upstream_url": [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://api.example.com", "https://api.example.com"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[2001:db8::1]", "http://[2001:db8::1]"),
        ("http://receiver:65535/", "http://receiver:65535"),
        ("HTTPS://api.example.com", "https://api.example.com"),
        ("http://my_service-1:80", "http://my_service-1:80"),
        ("unix:/run/app.sock", "unix:/run/app.sock"),
    ],
    "upstream_host": [
        ("preserve", "preserve"),
        ("upstream", "upstream"),
        ("api.example.com", "api.example.com"),
        ("api.example.com:8443", "api.example.com:8443"),
    ],
    "listen_address": [
        ("127.0.0.1:8081", ("127.0.0.1", 8081)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("localhost:65535", ("localhost", 65535)),
        ("[::1]:8081", ("::1", 8081)),
        ("[::]:80", ("::", 80)),
        (":8081", ("", 8081)),
        ("unix:/run/hookgate/hookgate.sock", ("/run/hookgate/hookgate.sock",)),
    ],
    "file_mode": [("0660", 0o660), ("600", 0o600), ("0777", 0o777)],
}

BAD: dict[str, list[Any]] = {
    "text": [5, None, True, [], {}, "a\nb", "\x00", "\x1b[0m", "\t"],
    "boolean": [1, 0, "True", "yes", "1", "", None, []],
    "strings": [5, None, True, {}, [5], ["a", None], [["a"]], ["a\nb"]],
    "number": [
        0,
        11,
        -1,
        5.0,
        True,
        None,
        "",
        " 5",
        "5 ",
        "+5",
        "-5",
        "5.0",
        "\u0665",
        "x",
        "9" * 5000,
    ],
    "size": [
        5,
        1.5,
        None,
        "",
        "5",
        "MiB",
        "1.5MiB",
        "-1B",
        "1mib",
        "1MB",
        "1M",
        "1  B",
        "1B ",
        "\u0665B",
    ],
    "duration": [
        5,
        1.5,
        None,
        "",
        "5",
        "s",
        "-1s",
        "1.s",
        ".5s",
        "1S",
        "1sec",
        "1w",
        "1e3s",
        "1  s",
        " 1s",
        "infs",
        "nans",
        "\u0665s",
    ],
    "choice": ["c", "", "A", 5, None, True, [], ["a"]],
    "methods": [[], "", ["GET"], ["POST", "GET"], ["post"], ["*"], "POST GET", 5, None, [5]],
    "upstream_url": [
        *(
            "",
            None,
            5,
            True,
            [],
            "127.0.0.1:8080",
            "localhost",
            "ftp://x",
            "//x",
            "http:",
            "http://",
        ),
        *("http://:80", "http://x:0", "http://x:65536", "http://x:http", "http://x:-1", "http:x"),
        *("http://x/path", "http://x//", "http://x?q=1", "http://x/?q", "http://x#f", "http://u@x"),
        *("http://u:p@x", "http://@x", "http://[::1", "http://::1", "http://[x]", "http://x:80:80"),
        *("http://x\nHost: y", "http://x\x00", "http://x y", "http://x ", "http://\u00fc"),
        *(
            "http://x\\y",
            "http://<x>",
            "http://x,y",
            "http://x\u3002y",
            "http://x\x7f",
            'http://"x"',
        ),
        *("http://%78", "http://[fe80::1%25eth0]", "http://x:\u0668\u0660"),
    ],
    "upstream_host": ["", "a b", "a/b", "a\nb", "a:b", "a,b", "é", 5, None, "http://a", "a:123456"],
    "listen_address": [
        *("", "8081", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80"),
        *("[::1]", "[127.0.0.1]:80", "a b:80", "a:b", "http://a:80", "unix:x", 8081, None, []),
        *("127.0.0.1:80 ", "a:\u0668\u0660", "a_b:80", "[]:80"),
    ],
    "file_mode": ["", "0", "66", "0680", "1660", "rw", "0o660", "u=rw", 660, 0o660, None, []],
}

PARSERS: dict[str, parsers.Parser] = {
    "text": parsers.text,
    "boolean": parsers.boolean,
    "strings": parsers.strings,
    "number": parsers.number(1, 10),
    "size": parsers.size(0, 2**40),
    "duration": parsers.duration(0, 10**9),
    "choice": parsers.choice("a", "b"),
    "methods": parsers.methods,
    "upstream_url": parsers.upstream_url,
    "upstream_host": parsers.upstream_host,
    "listen_address": parsers.listen_address,
    "file_mode": parsers.file_mode,
}


def rows(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(PARSERS[kind], row, id=f"{kind}-{row!r:.40}")
        for kind, kinds in table.items()
        for row in kinds
    ]


@pytest.mark.parametrize(("parse", "row"), rows(GOOD))
def test_a_good_value_is_taken(parse: parsers.Parser, row: tuple[Any, Any]) -> None:
    """As TOML gives it, or as a string from the environment."""
    given_value, value = row
    assert parse(given_value) == value


@pytest.mark.parametrize(("parse", "value"), rows(BAD))
def test_a_bad_value_is_refused_in_words(parse: parsers.Parser, value: Any) -> None:
    """Another type, another spelling or out of bounds: a ValueError that says something."""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        parse(value)
