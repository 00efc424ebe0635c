"""Failed assertions of the shared calls are explained like those of tests."""

import pytest

pytest.register_assert_rewrite("clients.calls")
