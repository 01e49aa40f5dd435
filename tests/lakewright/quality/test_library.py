"""Great Expectations in memory: no connections, no files, no output."""

import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lakewright.quality.expectation import Expectation
from lakewright.quality.library import judge
from lakewright.quality.sql.dialects import Dialect


@dataclass(frozen=True)
class Frame:
    """A table in memory that notes which columns are loaded."""

    rows: pd.DataFrame
    columns: Mapping[str, str]
    loaded: list[Sequence[str]]
    dialect: Dialect = "duckdb"

    def count(self) -> int:
        return len(self.rows)

    def one_row(self, sql: str, columns: Sequence[str]) -> Mapping[str, Any]:
        raise NotImplementedError

    def frame(self, columns: Sequence[str], *, rows: bool = True) -> Any:
        self.loaded.append([*columns, *([] if rows else ["no rows"])])
        return self.rows[list(columns)] if rows else self.rows[list(columns)].iloc[:0]


def test_the_library_reaches_nothing_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame({"id": [1, 2], "name": ["a", "b"], "other": [0, 0]})
    table = Frame(rows, {"id": "bigint", "name": "string", "other": "bigint"}, [])
    results = judge(
        table,
        [
            Expectation("expect_column_max_to_be_between", {"column": "id", "max_value": 1}, number=1),
            Expectation("expect_table_column_count_to_equal", {"value": 3}, number=2),
            Expectation("expect_column_max_to_be_between", {"column": "gone", "max_value": 1}, number=3),
            Expectation(
                "expect_column_min_to_be_between",
                {"column": "id", "min_value": 2, "row_condition": 'name=="b"', "condition_parser": "pandas"},
                number=4,
            ),
        ],
        shows_values=False,
    )
    assert [result.success for result in results] == [False, True, False, True]
    assert results[2].exception == 'the table has no column "gone"'
    assert table.loaded == [["id", "name", "other", "no rows"], ["id", "name"]]
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
