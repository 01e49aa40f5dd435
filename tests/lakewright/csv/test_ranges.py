"""An object that is read in byte ranges yields what it yields as a whole."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from lakewright.csv import tasks
from lakewright.csv.conversion import Converted
from lakewright.csv.format import CsvObjects
from lakewright.csv.heads import read_heads
from lakewright.csv.objects import CsvObject, CsvPart, CsvRules, Damage
from lakewright.csv.options import CsvOptions
from lakewright.csv.ranges import RangedObject
from lakewright.csv.rows import TypedRows
from lakewright.errors import ObjectRefusedError
from lakewright.parquet.arrow import read_file
from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from lakewright.storage.uris import open_lake
from tests.jobs.test_csv_laws import draw_text
from tests.workers import InProcessWorkers
from transforms.csv.text_layout import ByteRange
from transforms.csv.typed_column import TypedColumn

COLUMNS = (TypedColumn("one", "string"), TypedColumn("two", "string"))
TABLE = TablePlace("_staging/table/", "table/", "1-")
QUARANTINE = QuarantinePlace("_staging/quarantine/", "quarantine/", "run", "2026-08-01")


def convert(folder: Path, options: CsvOptions) -> Any:
    """Convert ``a.csv``; return the rows, the rejected rows and the number of tasks, or why it is refused."""
    lake, workers = open_lake(str(folder)), InProcessWorkers(4)
    listed = lake.stat("a.csv")
    assert listed is not None
    heads = read_heads(lake, [("a.csv", listed.size)], options)
    if heads.refused:
        return heads.refused["a.csv"]
    source = CsvObject("a.csv", listed.size, listed.etag, heads.headers["a.csv"], {})
    rules = CsvRules(options, {"one": ("one",), "two": ("two",)}, 1 << 20)
    rows = TypedRows(CsvObjects(lake, [source], rules), COLUMNS)
    batch: Any = SimpleNamespace(lake=lake, workers=workers)
    try:
        written = rows.write(batch, TABLE, QUARANTINE)
    except ObjectRefusedError as error:
        return error.reasons["a.csv"]
    assert written.counts.read == sum(file.rows for file in [*written.table, *written.quarantine])
    read = [
        Counter(str(row) for file in files for row in read_file(lake, file.staged).to_pylist())
        for files in (written.table, written.quarantine)
    ]
    return read, written.rules


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("delimiter", "end", "multiline"),
    [(",", "\n", True), (",", "\n", False), (";", "\r", True)],
    ids=["records", "lines", "cr"],
)
def test_ranges_yield_the_same_as_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delimiter: str, end: str, multiline: bool, seed: int
) -> None:
    random = Random(seed)
    bodies = [draw_text(random, delimiter, end) for _ in range(20)]
    text = f"one{delimiter}two{end}" + end.join(bodies[: random.randint(1, 20)])
    (tmp_path / "a.csv").write_bytes(text.encode())
    options = CsvOptions(delimiter=delimiter, multiline=multiline)
    whole = convert(tmp_path, options)
    monkeypatch.setattr(tasks, "_OPEN_BYTES", 0)
    for task_bytes in (7, 40, 300):
        monkeypatch.setattr(tasks, "_TASK_BYTES", task_bytes)
        assert convert(tmp_path, options) == whole, task_bytes


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([f"{n},x\r\r\n" for n in range(300)], id="two-carriage-returns"),  # duckdb/duckdb#25164
        pytest.param([f'{n},"ABC\nDEF"\n' for n in range(300)], id="a-line-end-in-each-record"),  # pola-rs/polars#19078
        pytest.param([f'{n},"x = {n}\n"\n' for n in range(300)], id="a-quote-after-a-line-end"),  # duckdb/duckdb#7706
        pytest.param([f'{n},5" pipe\n' for n in range(300)], id="quotes-that-are-data"),  # duckdb/duckdb#9036
        pytest.param([f"{n},\n\n\n" for n in range(300)], id="blank-lines"),
    ],
)
def test_reports_of_other_parallel_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[str]) -> None:
    (tmp_path / "a.csv").write_bytes(("one,two\n" + "".join(rows)).encode())
    (good, rejected), _ = whole = convert(tmp_path, CsvOptions())
    assert (good.total(), rejected.total()) == (300, 0)
    monkeypatch.setattr(tasks, "_OPEN_BYTES", 0)
    for task_bytes in (61, 62, 63, 64, 500):
        monkeypatch.setattr(tasks, "_TASK_BYTES", task_bytes)
        assert convert(tmp_path, CsvOptions()) == whole, task_bytes


def test_a_range_that_begins_inside_quotes_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f'{number},"first\n{number},fake\n{number},fake"\n' for number in range(200)]
    (tmp_path / "a.csv").write_text("one,two\n" + "".join(rows))
    whole = convert(tmp_path, CsvOptions())
    monkeypatch.setattr(tasks, "_OPEN_BYTES", 0)
    monkeypatch.setattr(tasks, "_TASK_BYTES", 500)
    assert convert(tmp_path, CsvOptions()) == whole


def test_a_line_number_counts_the_lines_of_all_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("one,two\n" + "1,a\n" * 1_000 + '1,"open\n' + "2,b\n" * 1_000)
    monkeypatch.setattr(tasks, "_OPEN_BYTES", 0)
    monkeypatch.setattr(tasks, "_TASK_BYTES", 900)
    assert convert(tmp_path, CsvOptions()).startswith("line 1002: a quoted field opens here")


SOURCE: Any = SimpleNamespace(path="a.csv")


def ranged(*reads: Converted) -> RangedObject:
    """Return an object of ranges of 100 bytes each; the last has no end."""
    bounds = [ByteRange(100 * n, 100 * (n + 1), begins_at_record=not n) for n in range(len(reads))]
    parts = [CsvPart(SOURCE, within) for within in [*bounds[:-1], replace(bounds[-1], end=None)]]
    return RangedObject(parts, reads)


def read(begins: int | None, ends: int, lines: int = 10, **more: Any) -> Converted:
    return Converted(begins=begins, ends=ends, lines=lines, **more)


def test_ranges_that_follow_each_other_are_right() -> None:
    reads = [read(0, 105), read(105, 210), read(210, 300)]
    each = ranged(*reads)
    assert (each.verify(), each.verified, each.damage) == (None, reads, "")


def test_a_range_that_begins_elsewhere_is_read_again_from_the_end_of_the_one_before() -> None:
    first, wrong, last, again = read(0, 105), read(120, 230), read(210, 300), read(105, 210)
    each = ranged(first, wrong, last)
    assert each.verify() == CsvPart(SOURCE, ByteRange(105, 200))
    each.accept(again)
    assert (each.verify(), each.verified) == (None, [first, again, last])


def test_a_range_within_one_record_has_no_rows() -> None:
    first, inside, last = read(0, 250), read(130, 250), read(250, 300)
    each = ranged(first, inside, last)
    assert (each.verify(), each.verified) == (None, [first, last])


def test_damage_in_a_range_that_begins_wrongly_is_none() -> None:
    damage = {"a.csv": Damage(3, ": a quoted field opens here")}
    each = ranged(read(0, 105), read(120, 120, 0, damage=damage))
    assert each.verify() == CsvPart(SOURCE, ByteRange(105, None))
    each.accept(read(105, 200))
    assert (each.verify(), each.damage) == (None, "")


def test_damage_in_a_range_that_begins_rightly_refuses_the_object() -> None:
    damage = {"a.csv": Damage(3, ": a quoted field opens here")}
    each = ranged(read(0, 105, 42), read(105, 105, 0, damage=damage), read(210, 300))
    assert (each.verify(), each.damage) == (None, "line 45: a quoted field opens here")
