"""What every test takes for granted, however the run was started, and on how busy a machine."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from support.examples import many
from support.process import keep_what_python_compiles, let_children_be_interrupted

# How long an example takes says nothing where others use the processor. The same examples are
# drawn each time, so that a failure tells of the change that was made; `make soak` draws others.
settings.register_profile(
    "same",
    max_examples=many(100),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("other", settings.get_profile("same"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


# Tests interrupt what they start, in the background of a script too, and start it soon. Not in a
# hook: what other conftests import looks at the environment before any is called.
let_children_be_interrupted()
keep_what_python_compiles()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Leave what is collected, which stays to the end, out of every search for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what is slow first: at the end one process would run it while the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
