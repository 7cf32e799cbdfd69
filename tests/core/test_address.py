"""Addresses of Unix sockets: one spelling is taken, those of other programs lead to it."""

import pytest

from hookgate.address import LONGEST_PATH, TcpAddress, UnixAddress, parse_listen_address
from hookgate.config.parsers import listen_address, upstream_url

OTHERS = {
    "nginx": "http://unix:/run/app.sock:",
    "nginx with a target": "http://unix:/run/app.sock:/hooks/",
    "nginx over TLS": "https://unix:/run/app.sock:",
    "nginx without the scheme": "unix:/run/app.sock:",
    "Caddy": "unix//run/app.sock",
    "httpx": "http+unix://%2Frun%2Fapp.sock",
    "httpx in small letters": "http+unix://%2frun%2fapp.sock/hooks",
    "HAProxy": "unix@/run/app.sock",
    "curl and Docker": "unix:///run/app.sock",
    "two slashes": "unix://run/app.sock",
    "a path alone": "/run/app.sock",
    "a folder": "unix:/run/app.sock/",
    "capitals": "UNIX:/run/app.sock",
}


@pytest.mark.parametrize("parse", [listen_address, upstream_url])
@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_other_spellings_are_refused_with_the_right_one(parse: object, text: str) -> None:
    """Which is taken in the place where the other stood."""
    assert callable(parse)
    with pytest.raises(ValueError, match=r"another spelling of a Unix socket") as caught:
        parse(text)
    mend = str(caught.value).partition('write "')[2].removesuffix('"')
    assert mend in ("unix:/run/app.sock", "unix:/run/app.sock/hooks")
    assert parse(mend)


@pytest.mark.parametrize("parse", [listen_address, upstream_url])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("unix:app.sock", "from the root on"),
        ("unix:", "from the root on"),
        ("unix:/", "from the root on"),
        ("unix:./app.sock", "from the root on"),
        ("unix:@hookgate", "abstract"),
        ("unix:/" + "a" * LONGEST_PATH, str(LONGEST_PATH)),
        ("unix:/" + "\u00e9" * 60, str(LONGEST_PATH)),
        ("unix:/run/a\nb", "control character"),
    ],
)
def test_what_no_program_could_connect_to_is_refused(parse: object, text: str, words: str) -> None:
    """With the reason."""
    assert callable(parse)
    with pytest.raises(ValueError, match=words):
        parse(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:/run/app.sock", UnixAddress("/run/app.sock")),
        ("unix:/a", UnixAddress("/a")),
        ("unix:/run/with space:and colon", UnixAddress("/run/with space:and colon")),
        ("unix:/" + "a" * (LONGEST_PATH - 1), UnixAddress("/" + "a" * (LONGEST_PATH - 1))),
        ("127.0.0.1:8081", TcpAddress("127.0.0.1", 8081)),
        ("[::1]:8081", TcpAddress("::1", 8081)),
        (":8081", TcpAddress("", 8081)),
    ],
)
def test_an_address_reads_back_as_it_was_written(text: str, address: object) -> None:
    """In the log and in messages."""
    assert parse_listen_address(text) == address
    assert str(address) == text
