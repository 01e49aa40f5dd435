"""Files of a table, written and read by workers."""

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakewright.parquet import arrow
from lakewright.parquet.arrow import TablePlace, read_file, write_file
from lakewright.parquet.provenance import KEYS, OBJECT
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake

PLACE = TablePlace("staging/", "table/", "", "snappy")
ROWS = 60_000


class ReadBytes:
    """A lake that records how many bytes each read returned."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.reads: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lake, name)

    def read(self, path: str, **options: Any) -> bytes:
        body = self._lake.read(path, **options)
        self.reads.append(len(body))
        return body


@pytest.fixture(scope="module")
def events() -> pa.Table:
    chance = random.Random(0)
    provenance = {
        "_topic": ["clicks"] * ROWS,
        "_partition": [number % 6 for number in range(ROWS)],
        "_offset": [7_000_000 + number // 6 for number in range(ROWS)],
        "_object": [f"topics/clicks/clicks+{number % 6}+0007000000.json" for number in range(ROWS)],
        "_line": list(range(ROWS)),
    }
    values = {f"value_{column}": [chance.getrandbits(60) for _ in range(ROWS)] for column in range(20)}
    return pa.table(provenance | values)


@pytest.fixture
def lake(tmp_path: Path) -> Any:
    return ReadBytes(open_lake(str(tmp_path)))


def test_only_selected_columns_of_a_large_file_are_read(lake: Any, events: pa.Table) -> None:
    names = [*KEYS, OBJECT]
    file = write_file(lake, PLACE, "", events)
    assert file.size > 5 * arrow._READ_WHOLE_BYTES
    assert read_file(lake, file.staged, names).equals(events.select(names))
    assert sum(lake.reads) < file.size / 20
    assert len(lake.reads) == 2, "the footer, and the adjacent columns"


def test_columns_are_read_from_every_row_group(lake: Any, events: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(events, sink, row_group_size=ROWS // 7)
    lake.create("a", sink.getvalue().to_pybytes())
    assert read_file(lake, "a", ["value_19", "_offset"]).equals(events.select(["value_19", "_offset"]))


@pytest.mark.parametrize("rows", [0, 1, 1000, ROWS])
@pytest.mark.parametrize("names", [None, ["_offset", "value_3"], ["_offset", "unknown"]])
def test_rows_do_not_depend_on_the_file_size(lake: Any, events: pa.Table, rows: int, names: list[str] | None) -> None:
    some = events.slice(0, rows)
    file = write_file(lake, PLACE, "", some)
    wanted = some if names is None else some.select([name for name in names if name in some.column_names])
    assert read_file(lake, file.staged, names).equals(wanted)


def test_a_file_rewritten_while_it_is_read_is_an_error(lake: Any, events: pa.Table) -> None:
    file = write_file(lake, PLACE, "", events)
    read = lake.read

    def read_then_replace(path: str, **options: Any) -> bytes:
        body: bytes = read(path, **options)
        stored = lake.stat(path)
        lake.replace(path, b"another", etag=stored.etag)
        return body

    lake.read = read_then_replace
    with pytest.raises(FileNotFoundError, match="was rewritten while it was read"):
        read_file(lake, file.staged, list(KEYS))


@pytest.mark.parametrize("columns", [None, ["_offset"]])
def test_a_file_that_does_not_exist_is_an_error(lake: Any, columns: list[str] | None) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(lake, "gone", columns)


def test_text_has_an_encoding_that_every_reader_knows(tmp_path: Path) -> None:
    texts = pa.table({"distinct": [f"text {number}" for number in range(1_000)], "repeated": ["a", "b"] * 500})
    file = write_file(open_lake(str(tmp_path)), PLACE, "", texts)
    columns = pq.read_metadata(tmp_path / file.staged).row_group(0)
    assert set(columns.column(0).encodings) <= {"PLAIN", "RLE"}
    assert set(columns.column(1).encodings) <= {"PLAIN", "RLE", "RLE_DICTIONARY"}
