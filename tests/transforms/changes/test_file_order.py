"""Time stamps in the names of change files."""

import pytest

from transforms.changes.file_order import stamp_of


@pytest.mark.parametrize(
    ("path", "stamp"),
    [
        pytest.param("20260801-101512345.parquet", "20260801101512345000", id="as-written-by-dms"),
        pytest.param("20141029-1134010000.parquet", "20141029113401000000", id="as-in-the-dms-manual"),
        pytest.param("a/2026/08/01/20260801-101512345.parquet", "20260801101512345000", id="in-folders"),
        pytest.param("20260801101512.parquet", "20260801101512000000", id="without-dash-and-fraction"),
        pytest.param("20260801-101512123456.parquet", "20260801101512123456", id="microseconds"),
        pytest.param("20260801-1015121234567.parquet", "", id="too-many-digits"),
        pytest.param("20260801-101512345-part2.parquet", "20260801101512345000", id="with-a-suffix"),
        pytest.param("20260801-101512345\n.parquet", "20260801101512345000", id="with-a-line-end"),
        pytest.param("20260230-101512345.parquet", "", id="invalid-day"),
        pytest.param("20260801-241512345.parquet", "", id="invalid-hour"),
        pytest.param("x20260801-101512345.parquet", "", id="with-a-prefix"),
        pytest.param("20260801-101512345.csv", "", id="other-extension"),
        pytest.param("20260801-101512345/changes.parquet", "", id="stamp-of-a-folder"),
        pytest.param("\u0662\u0660\u0662\u06660801-101512345.parquet", "", id="non-ascii-digits"),
    ],
)
def test_stamps(path: str, stamp: str) -> None:
    assert stamp_of(path) == stamp
