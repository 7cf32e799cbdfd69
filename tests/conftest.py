"""What every test takes for granted, however the run was started, and on how busy a machine."""

from hypothesis import HealthCheck, settings

from support.process import let_children_be_interrupted

# How long an example takes says nothing where others use the processor.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_configure() -> None:
    """Let tests interrupt what they start, in the background of a script too."""
    let_children_be_interrupted()
