"""What every test takes for granted, however the run was started."""

from support.process import let_children_be_interrupted


def pytest_configure() -> None:
    """Let tests interrupt what they start, in the background of a script too."""
    let_children_be_interrupted()
