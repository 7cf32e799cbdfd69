"""A route's path is exact: what looks like more is refused, with a mend that works."""

import re
from typing import Any

import pytest

from hookgate.config.route_path import parse_route_path

EXACT = [
    *("/", "/cm/events", "/cm/events/", "//x", "/!", "/%2e;&=~", "/a%2Fb", "/a%zz", "/a.b-c_d"),
    *("/v1/events:send", "/$batch", "/Events(1)", "/a+b", "/c++", "/user@host", "/a,b", "/it's"),
    *("/a:b", "/:1", "/a.b.c", "/..."),
]


@pytest.mark.parametrize("path", EXACT)
def test_whatever_may_stand_in_a_path_is_one(path: str) -> None:
    """RFC 3986 3.3: also what patterns are made of, where it is none."""
    assert parse_route_path(path) == path


@pytest.mark.parametrize(
    ("path", "sign"),
    [
        *((path, "*") for path in ("*", "/*", "/cm/*", "/cm/**", "/*/events", "/cm*", "/cm/*?x")),
        *(("/cm/{id}", "{"), ("/{path:path}", "{"), ("/cm/<id>", "<"), ("/cm/<int:id>", "<")),
        *(("/cm/:id", "/:"), ("/:channel/events", "/:")),
        *(("^/cm/", "^"), ("/cm/events$", "$"), ("/cm/.+", ".+"), ("/cm/[a-z]", "[")),
        *(("/cm/(?:a)", "(?"), ("/cm/(a|b)", "|"), (r"/cm/\d+", "\\\\"), ("cm/*", "*")),
    ],
)
def test_a_pattern_is_no_exact_path(path: str, sign: str) -> None:
    """Every event would be 404: the words say which sign, and what to write."""
    with pytest.raises(ValueError, match=r"^is no exact path: ") as caught:
        parse_route_path(path)
    assert f'"{sign}" stands for itself here' in str(caught.value)
    assert "write a [[route]] for each path" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "mend"),
    [
        ("cm/events", "/cm/events"),
        ("/cm/events?key=1", "/cm/events"),
        ("/cm/events#top", "/cm/events"),
        ("?key=1", "/"),
        ("cm?key=1", "cm"),
        (" /cm/events\n", "/cm/events"),
        ("/caf\u00e9", "/caf%C3%A9"),
        ("/a b", "/a%20b"),
        ('/"a"`', "/%22a%22%60"),
        ("/a\x00b\x7f", "/a%00b%7F"),
        ("https://hooks.example/cm/events?x", "/cm/events"),
        ("HTTP://hooks.example", "/"),
    ],
)
def test_another_mistake_has_a_mend_that_works(value: str, mend: str) -> None:
    """Whoever writes what the message says has a path, at the latest the second time."""
    with pytest.raises(ValueError, match=r"^is no path") as caught:
        parse_route_path(value)
    found = re.search(r'"([^"]*)"$', str(caught.value))
    assert found is not None
    assert found[1] == mend
    if mend != "cm":
        assert parse_route_path(mend) == mend


@pytest.mark.parametrize("value", ["", 5, None, True, [], ["/a"]])
def test_what_is_no_text_is_no_path(value: Any) -> None:
    """With an example of one."""
    with pytest.raises(
        ValueError, match=r'^is no path; write it as it is sent, like "/cm/events"$'
    ):
        parse_route_path(value)
