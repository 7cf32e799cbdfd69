"""Names of fields that vary."""

from typing import Any

import pytest

from hookgate.config.field_names import field_names
from support.problems import problem


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ([], ()),
        ("", ()),
        ("X-Own-Id, x_own", ("x-own-id", "x_own")),
        (["X-Own-Id", "x-own-id", "Date"], ("x-own-id", "date")),
        (["traceparent", "X-Request-Id"], ("traceparent", "x-request-id")),
        (["!#$%&'*+-.^_`|~09az"], ("!#$%&'*+-.^_`|~09az",)),
        (["a" * 64], ("a" * 64,)),
        ([f"x-{number}" for number in range(32)], tuple(f"x-{number}" for number in range(32))),
    ],
)
def test_names_are_taken_in_any_case(value: Any, names: tuple[str, ...]) -> None:
    """Also those that are on hookgate's own list, and those that are dropped."""
    assert field_names(value) == names


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "a:", "a\u00e9", "\u017fa", "a\r", "(?i)", ".*(", "a[", "a" * 65, " a"],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    """Not the sign of an expression either."""
    with pytest.raises(ValueError, match=r"names of fields|control character"):
        field_names([name])


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "content-length", "Transfer-Encoding", "connection", "Proxy-Connection"),
        *("content-type", "content-encoding", "expect", "upgrade", "te", "forwarded", "X-Real-IP"),
        *("x-forwarded-for", "x-forwarded-proto", "X-Forwarded-Anything", "webhook-id", "svix-id"),
        *("x-hub-signature-256", "x-github-delivery", "webhook-timestamp", "svix-signature"),
    ],
)
def test_what_hookgate_reads_is_refused_by_name(name: str) -> None:
    found = problem(keys={"sidecar.varying_fields": ["x-own-id", name]})
    assert found == (
        f'command line: sidecar.varying_fields = ["x-own-id", "{name}"] may not hold "{name}", '
        "which hookgate reads itself; leave it out"
    )


def test_the_field_that_names_the_client_is_refused() -> None:
    """Whatever it is by this configuration."""
    keys = {"source.header": "CF-Connecting-IP", "sidecar.varying_fields": "cf-connecting-ip"}
    assert problem(keys=keys) == (
        'sidecar.varying_fields may not hold "cf-connecting-ip", which names the client by '
        "source.header; leave it out"
    )


def test_more_than_an_expression_should_hold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^holds more than 32 names; leave out"):
        field_names([f"x-{number}" for number in range(33)])
