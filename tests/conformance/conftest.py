"""Failed checks of a case show the values that they compared."""

import pytest

pytest.register_assert_rewrite("support.conformance", "support.gates")
