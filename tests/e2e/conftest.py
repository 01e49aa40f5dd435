from collections import Counter
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient


@pytest.fixture
def requests() -> Iterator[Counter[str]]:
    """Count the requests of this process, except those for its state."""
    counted: Counter[str] = Counter()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counting(client: Any, operation: str, parameters: Any) -> Any:
        counted[operation] += "state/" not in parameters.get("Key", parameters.get("Prefix", ""))
        return call(client, operation, parameters)

    with mock.patch.object(BaseClient, "_make_api_call", counting):
        yield counted
