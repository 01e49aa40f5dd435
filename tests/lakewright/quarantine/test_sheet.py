"""Rejected rows as a CSV file, and the rows of a file that a person has edited."""

import codecs
import csv
import stat
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.errors import ConfigError, StateError
from lakewright.quarantine.rows import Reason
from lakewright.quarantine.sheet import COLUMNS, read_sheet, write_sheet
from lakewright.quarantine.table import QuarantinedRow

HEADER = ",".join(COLUMNS)


def a_row(position: int = 8, text: str = "x", **fields: str | None) -> QuarantinedRow:
    reasons = (Reason("type", "id", "No."), Reason("quote", None, "Torn."))
    return QuarantinedRow("raw/a.csv", "0012", position, reasons, text, fields or None, date(2026, 8, 1), "r")


def test_a_sheet_has_a_column_for_each_field(tmp_path: Path) -> None:
    rows = [a_row(8, "007,=1", id="007", name="=1"), a_row(15, "torn"), a_row(20, "x,,", id="x", größe="")]
    assert write_sheet(path := tmp_path / "rows.csv", ["id", "name", "größe"], rows) == 3
    why = "id: type: No.; quote: Torn."
    assert list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines())) == [
        ["object", "etag", "position", "reasons", "text", "id", "name", "größe"],
        ["raw/a.csv", "\\0012", "8", why, "", "\\007", "\\=1", ""],
        ["raw/a.csv", "\\0012", "15", why, "torn", "", "", ""],
        ["raw/a.csv", "\\0012", "20", why, "", "x", "", "\\"],
    ]
    assert path.read_bytes().startswith(codecs.BOM_UTF8)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [(row.line, row.etag, row.position, row.text, row.fields) for row in read_sheet(path)] == [
        (2, "0012", 8, None, {"id": "007", "name": "=1", "größe": None}),
        (3, "0012", 15, "torn", {"id": None, "name": None, "größe": None}),
        (4, "0012", 20, None, {"id": "x", "name": None, "größe": ""}),
    ]


NAMES = st.text(min_size=1, max_size=5) | st.sampled_from([*COLUMNS, "a.b", "größe"])
FIELDS = st.dictionaries(NAMES, st.none() | st.text(max_size=8), min_size=1, max_size=4)


@given(st.lists(st.tuples(st.integers(0, 1 << 40), FIELDS), min_size=1, max_size=4))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, Any]]) -> None:
    path = tmp_path_factory.mktemp("sheet") / "rows.csv"
    rows = [a_row(position)._replace(fields=fields) for position, fields in drawn]
    write_sheet(path, list(dict.fromkeys(name for _, fields in drawn for name in fields)), rows)
    read = list(read_sheet(path))
    assert [(row.object, row.etag, row.position) for row in read] == [("raw/a.csv", "0012", each) for each, _ in drawn]
    assert [{name: row.fields[name] for name in fields} for row, (_, fields) in zip(read, drawn, strict=True)] == [
        fields for _, fields in drawn
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"\ufeff{HEADER},id\r\nraw/a.csv,\\0012,8,why,,\\007\r\n", id="with-a-byte-order-mark"),
        pytest.param(f"{HEADER};id\nraw/a.csv;\\0012;8;why;;\\007\n".replace(",", ";"), id="semicolons"),
        pytest.param(f"{HEADER},id\nraw/a.csv,\\0012,8,why,,\\007\n".replace(",", "\t"), id="tabs"),
        pytest.param('"object";"etag";"position";"reasons";"text";"id"\n"raw/a.csv";"\\0012";8;"why";;"\\007"\n', id="quoted"),
        pytest.param(f"{HEADER},id\n,,,,,\nraw/a.csv,\\0012,8,why,,\\007\n,,,,,\n", id="empty-rows"),
        pytest.param(f"{HEADER},id,,\nraw/a.csv,\\0012,8,why,,\\007,,\n", id="empty-columns"),
    ],
)  # fmt: skip
def test_sheets_as_spreadsheets_save_them(tmp_path: Path, text: str) -> None:
    (path := tmp_path / "rows.csv").write_text(text, encoding="utf-8", newline="")
    (row,) = read_sheet(path)
    assert (row.object, row.etag, row.position, row.text, row.fields) == ("raw/a.csv", "0012", 8, None, {"id": "007"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(b"", "it must begin with object,etag,position,reasons,text", id="empty"),
        pytest.param(b"id,name\n1,a\n", "it must begin with object,etag,position,reasons,text", id="another-file"),
        pytest.param(f"{HEADER},id\na,e,8,w,\n".encode(), "line 2 of .* has 5 cells, the header 6", id="cells-missing"),
        pytest.param(f"{HEADER}\na,e,1.2E+9,w,\n".encode(), "line 2 of .*: position must be the number", id="position"),
        pytest.param(f'{HEADER}\na,e,8,w,"x\n'.encode(), "line 2 of .* is not CSV", id="open-quotes"),
        pytest.param(
            f"{HEADER}\na,e,8,w,".encode() + b"caf\xe9\n", "is not UTF-8; save it as CSV in UTF-8", id="latin"
        ),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: bytes, problem: str) -> None:
    (path := tmp_path / "rows.csv").write_bytes(text)
    with pytest.raises(ConfigError, match=problem) as error:
        list(read_sheet(path))
    assert "café" not in str(error.value)


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    (path := tmp_path / "rows.csv").write_text("my corrections")
    with pytest.raises(ConfigError, match="exists; it may have corrections"):
        write_sheet(path, [], [a_row()])
    with pytest.raises(ConfigError, match="cannot be written: No such file or directory"):
        write_sheet(tmp_path / "no/rows.csv", [], [a_row()])
    assert path.read_text() == "my corrections"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(StateError("a file is missing"), id="quarantine-was-released"),
        pytest.param(PermissionError("no rights"), id="quarantine-cannot-be-read"),
        pytest.param(KeyboardInterrupt(), id="ctrl-c"),
    ],
)
def test_an_incomplete_file_is_deleted(tmp_path: Path, error: BaseException) -> None:
    def rows() -> Iterator[QuarantinedRow]:
        yield a_row()
        raise error

    path = tmp_path / "rows.csv"
    with pytest.raises(type(error)) as raised:
        write_sheet(path, [], rows())
    assert raised.value is error
    assert write_sheet(path, [], [a_row()]) == 1


def test_many_rows_are_not_kept_in_memory(tmp_path: Path) -> None:
    rows = (a_row(position, "x" * 1_000, name="y" * 1_000) for position in range(5_000))
    tracemalloc.start()
    write_sheet(path := tmp_path / "rows.csv", ["name"], rows)
    assert sum(1 for _ in read_sheet(path)) == 5_000
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()
