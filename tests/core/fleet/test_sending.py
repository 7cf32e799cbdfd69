"""Calls by a thread of their own: one after the other, and what they raise is not lost."""

from functools import partial
from threading import Event

import pytest

from hookgate.fleet.error import StoreError
from hookgate.fleet.sending import Sending


def test_whoever_begins_a_call_goes_on_and_the_next_one_waits() -> None:
    """In the order in which they were begun."""
    sending, may_end, done = Sending(), Event(), list[str]()

    def call(name: str) -> None:
        may_end.wait(20)
        done.append(name)

    sending.begin(partial(call, "one"))
    assert (sending.is_under_way, done) == (True, [])
    may_end.set()
    for name in ("two", "three"):
        sending.begin(partial(call, name))
    sending.settle()
    assert (sending.is_under_way, done) == (False, ["one", "two", "three"])
    sending.close()


def test_what_a_call_raised_is_raised_once_to_whoever_comes_next() -> None:
    """Who begins another, or waits; a call that was not begun is not made."""
    sending, made = Sending(), list[str]()

    def fail() -> None:
        raise StoreError("it is full")

    for come_next in (partial(sending.begin, partial(made.append, "x")), sending.settle):
        sending.begin(fail)
        with pytest.raises(StoreError, match="it is full"):
            come_next()
        sending.settle()
    assert made == []
    sending.close()
