"""The calls that the other tests of this folder made."""

import pytest

from deploy.checks.calls import normalised, read_calls
from tests.e2e.pipeline.stack import Stack

pytestmark = pytest.mark.slow


def test_the_roles_are_checked_for_every_call(stack: Stack) -> None:
    made = set(normalised(read_calls(stack.calls)))
    assert made - set(read_calls()) == set(), f"write them anew: python -m deploy.checks.calls {stack.calls}"
