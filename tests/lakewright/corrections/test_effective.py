"""Whether corrections are listed at all."""

import pytest

from lakewright.corrections.effective import may_have_corrections
from lakewright.corrections.manifests import CORRECTED_ETAG, CORRECTS
from lakewright.log.records import DataFile, SourceObject
from lakewright.log.state import TableState

ORIGINAL = SourceObject("raw/a.csv", 1, "e")
CORRECTION = SourceObject("corrections/f/t/1/objects/a.csv", 1, "c", notes={CORRECTS: "raw/a.csv", CORRECTED_ETAG: "e"})
REJECTED = DataFile("quarantine/f/1.parquet", "", "", rows=1, size=1, objects=["raw/a.csv"])


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param(TableState(), True, id="a-new-table-may-have-those-of-a-former-target"),
        pytest.param(TableState(number=1), True, id="only-refused-batches"),
        pytest.param(TableState(committed=1), False, id="a-table-without-objects"),
        pytest.param(TableState(committed=1, objects={ORIGINAL.path: ORIGINAL}), False, id="no-replay-yet"),
        pytest.param(TableState(committed=1, is_replayed=True), True, id="a-replay-has-begun"),
        pytest.param(TableState(committed=1, quarantine={REJECTED.path: REJECTED}), True, id="rejected-rows"),
        pytest.param(
            TableState(committed=1, objects={each.path: each for each in (ORIGINAL, CORRECTION)}),
            True,
            id="a-correction-in-the-table",
        ),
    ],
)
def test_corrections_are_listed_if_there_may_be_some(state: TableState, expected: bool) -> None:
    assert may_have_corrections(state) is expected
