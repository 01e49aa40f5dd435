"""Cells survive spreadsheets: no cell is one that they change, and each is read back as the value it was."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.quarantine.cells import cell_of, value_of

VALUES = st.none() | st.text() | st.from_regex(r"[-+=@\\0-9.,:/ \r\n\t\"'a-zTRUE]{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(None, "", id="null-is-an-empty-cell"),
        pytest.param("", "\\", id="an-empty-text-is-not-null"),
        pytest.param("Ann, R&D", "Ann, R&D", id="words"),
        pytest.param("12", "12", id="a-whole-number"),
        pytest.param("0", "0", id="zero"),
        pytest.param("007", "\\007", id="leading-zeros"),
        pytest.param("1.50", "\\1.50", id="decimals"),
        pytest.param("12345678901", "12345678901", id="as-many-digits-as-excel-shows"),
        pytest.param("123456789012", "\\123456789012", id="more-digits-than-excel-shows"),
        pytest.param("1-2", "\\1-2", id="what-looks-like-a-date"),
        pytest.param("Mar 5", "\\Mar 5", id="what-looks-like-a-date-with-a-month"),
        pytest.param("true", "\\true", id="logical-values"),
        pytest.param("=1+1", "\\=1+1", id="a-formula"),
        pytest.param("@SUM(A1)", "\\@SUM(A1)", id="a-formula-that-begins-with-an-at-sign"),
        pytest.param("+49 30", "\\+49 30", id="a-plus"),
        pytest.param("-5", "\\-5", id="a-minus"),
        pytest.param("'a", "\\'a", id="an-apostrophe-that-marks-text"),
        pytest.param(" a", "\\ a", id="a-blank-before"),
        pytest.param("a ", "\\a ", id="a-blank-after"),
        pytest.param("C:\\new", "C:\\new", id="a-backslash-inside"),
        pytest.param("\\N", "\\\\\\N", id="a-backslash-before"),
        pytest.param("a\nb", "a\nb", id="a-line-feed"),
        pytest.param("a\r\nb", "\\a\\r\nb", id="a-carriage-return"),
        pytest.param("C:\\r\r", "\\C:\\\\r\\r", id="a-carriage-return-and-backslashes"),
    ],
)
def test_cells(value: str | None, cell: str) -> None:
    assert cell_of(value) == cell
    assert value_of(cell) == value


@given(VALUES)
def test_cells_are_read_back(value: str | None) -> None:
    assert value_of(cell_of(value)) == value


@given(VALUES)
def test_no_cell_is_changed_by_a_spreadsheet(value: str | None) -> None:
    cell = cell_of(value)
    assert "\r" not in cell
    assert not re.match(r"[=+@'\t\s-]", cell)
    assert cell.startswith("\\") or cell == cell.strip()
    assert cell.startswith("\\") or not re.search(r"\d", cell) or str(int(cell)) == cell
