"""Objects of CSV to staged Parquet files, in this process."""

import gzip
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lakewright.csv import conversion
from lakewright.csv.conversion import ConversionTask, Converted, convert_parts
from lakewright.csv.heads import read_heads
from lakewright.csv.objects import CsvObject, CsvPart, CsvRules
from lakewright.csv.options import CsvOptions
from lakewright.csv.tasks import plan_tasks
from lakewright.parquet.arrow import read_file
from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from lakewright.quarantine.words import RULES
from lakewright.storage.lake import Lake
from lakewright.storage.local import LocalLake
from lakewright.storage.uris import open_lake
from transforms.csv.typed_column import TypedColumn

COLUMNS = (TypedColumn("id", "long"), TypedColumn("name", "string"))
TABLE = TablePlace("_staging/table/", "table/", "1-")
QUARANTINE = QuarantinePlace("_staging/quarantine/", "quarantine/", "run", "2026-08-01")


class Source:
    """A folder of objects, and the conversion of all of them by one task."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder, self.lake = folder, open_lake(str(folder))
        self._limit = options.pop("max_record_bytes", 1 << 20)
        self._options = CsvOptions(**options)

    def put(self, name: str, text: str | bytes) -> None:
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)

    def objects(self) -> list[CsvObject]:
        listed = [entry for entry in self.lake.list("") if not entry.path.startswith("_staging/")]
        headers = read_heads(self.lake, [(entry.path, entry.size) for entry in listed], self._options).headers
        return [CsvObject(entry.path, entry.size, entry.etag, headers[entry.path], {}) for entry in listed]

    def task(self, **changes: Any) -> ConversionTask:
        rules = CsvRules(self._options, {column.name: (column.name,) for column in COLUMNS}, self._limit)
        uri, objects = str(self.folder), changes.pop("parts", None) or [CsvPart(each) for each in self.objects()]
        settings = {"columns": COLUMNS, "table": TABLE, "quarantine": QUARANTINE} | changes
        return ConversionTask(uri, uri, objects, rules, **settings)

    def rows(self, files: Any) -> list[dict[str, Any]]:
        return [row for file in files for row in read_file(self.lake, file.staged).to_pylist()]


def reason(rule: str, column: str | None = None, words: str = "") -> dict[str, str | None]:
    return {"rule": rule, "column": column, "words": words or RULES[rule]}


def counts(converted: Converted) -> tuple[int, int, dict[str, int]]:
    return converted.read, converted.rejected, dict(converted.rules)


def test_good_and_rejected_rows_are_written_with_every_reason(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.put("a.csv", 'name,id\na,1\ncaf\ufffd,x\n"b",2,3\nname,id\n"c"d,4\n,\n')
    converted = convert_parts(source.task())
    assert counts(converted) == (
        6,
        4,
        {"id: type": 1, "name: encoding": 1, "field_count": 1, "quote": 1, "repeated_header": 1},
    )
    assert source.rows(converted.table) == [{"id": 1, "name": "a"}, {"id": None, "name": None}]
    rows = source.rows(converted.quarantine)
    (etag,) = (each.etag for each in source.objects())
    same = {"object": "a.csv", "etag": etag, "first_seen": date(2026, 8, 1), "run": "run"}
    whole: list[Any] = [
        {
            "position": 21,
            "text": '"b",2,3',
            "reasons": [reason("field_count", words="The record has 3 fields instead of 2.")],
            "fields": None,
        },
        {
            "position": 37,
            "text": '"c"d,4',
            "reasons": [reason("quote", words="Text follows a closing quote.")],
            "fields": None,
        },
        {
            "position": 12,
            "text": "caf\ufffd,x",
            "reasons": [reason("type", "id"), reason("encoding", "name")],
            "fields": [("id", "x"), ("name", "caf\ufffd")],
        },
        {
            "position": 29,
            "text": "name,id",
            "reasons": [reason("repeated_header")],
            "fields": [("id", "id"), ("name", "name")],
        },
    ]
    assert sorted(rows, key=lambda row: str(row["text"])) == [same | row for row in whole]
    (file,) = converted.quarantine
    assert (file.objects, file.rules, file.first_seen) == (["a.csv"], dict(converted.rules), ("2026-08-01",) * 2)


def test_the_first_row_that_breaks_each_rule_is_noted_by_object_and_position(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.put("a.csv", "id,name\n1,a\nx,caf\ufffd\n")
    source.put("b.csv", 'id,name\nx,b\ny,c\n1\n"c"d,4\n')
    in_order = [CsvPart(each) for each in source.objects()]
    for parts in (in_order, in_order[::-1]):
        first = convert_parts(source.task(parts=parts)).first_rejected
        assert {rule: place.describe() for rule, place in first.items()} == {
            "id: type": "a.csv at 12",
            "name: encoding": "a.csv at 12",
            "field_count": "b.csv at 16: The record has 1 field instead of 2.",
            "quote": "b.csv at 18: Text follows a closing quote.",
        }


def test_fields_of_rejected_rows_have_the_names_of_the_header(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.put("a.csv", "Nr.,Größe\nx,c\n")
    names = {"id": ("Nr.",), "name": ("Größe",)}
    rules = CsvRules(CsvOptions(), names, 1 << 20)
    task = replace(source.task(), rules=rules)
    (row,) = source.rows(convert_parts(task).quarantine)
    assert (row["reasons"], row["fields"]) == ([reason("type", "id")], [("Nr.", "x"), ("Größe", "c")])


def test_rows_keep_the_day_on_which_their_version_was_first_rejected(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.put("a.csv", "id,name\nx,c\n")
    source.put("b.csv", "id,name\nx,c\n")
    (a, _) = source.objects()
    place = replace(QUARANTINE, first_seen={("a.csv", a.etag): date(2026, 7, 1), ("b.csv", "other"): date(2026, 6, 1)})
    (file,) = convert_parts(source.task(quarantine=place)).quarantine
    assert [str(row["first_seen"]) for row in source.rows([file])] == ["2026-07-01", "2026-08-01"]
    assert file.first_seen == ("2026-07-01", "2026-08-01")


def test_partition_columns_are_in_the_folders_only(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.put("a.csv", "id,name\n1,a/b\n2,\n3,a/b\nx,c\n")
    columns = (COLUMNS[0], TypedColumn("name", "string", is_folder=True))
    table = TablePlace("_staging/table/", "table/", "1-", partition_by=("name",))
    converted = convert_parts(source.task(columns=columns, table=table))
    files = {file.partition: (file.path, source.rows([file])) for file in converted.table}
    assert {partition: rows for partition, (_, rows) in files.items()} == {
        "name=a%2Fb": [{"id": 1}, {"id": 3}],
        "name=__HIVE_DEFAULT_PARTITION__": [{"id": 2}],
    }
    assert all(path.startswith(f"table/{partition}/1-") for partition, (path, _) in files.items())


def test_all_refused_objects_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    source = Source(tmp_path, max_record_bytes=1 << 10)
    source.put("a.csv", "id,name\n1,a\n")
    source.put("cut.csv.gz", gzip.compress(b"id,name\n" + b"2,b\n" * 100_000)[:-1])
    source.put("torn.csv", 'id,name\n3,c\n4,"d\n')
    source.put("long.csv", f"id,name\n5,{'x' * 2_000}\n")
    source.put("z.csv", "id,name\n6,f\n")
    converted = convert_parts(source.task())
    assert {path: damage.describe() for path, damage in converted.damage.items()} == {
        "cut.csv.gz": "damaged gzip: it is truncated",
        "torn.csv": "line 3: a quoted field opens here and is not closed as RFC 4180 requires",
        "long.csv": "line 2 is longer than 1024 bytes; raise max_record_bytes if this is intended",
    }
    assert (converted.table, converted.quarantine) == ([], [])
    assert not (tmp_path / "_staging").exists()


def test_an_object_that_was_rewritten_since_the_plan_is_not_read(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.put("a.csv", "id,name\n1,a\n")
    task = source.task()
    source.put("a.csv", "id,name\n2,changed\n")
    with pytest.raises(FileNotFoundError, match="was rewritten while it was read"):
        convert_parts(task)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of bytes of each read by workers."""
    sizes: list[int] = []

    class CountingLake(LocalLake):
        def read(self, path: str, **options: Any) -> bytes:
            body = super().read(path, **options)
            sizes.append(len(body))
            return body

    def open_counting(uri: str) -> Lake:
        return CountingLake(uri)

    monkeypatch.setattr(conversion, "open_lake", open_counting)
    return sizes


@pytest.mark.parametrize(
    "row", ["1,a", '1,"a ""b"""', "x,dirty", '1,"a\nb"'], ids=["clean", "quoted", "rejected", "long"]
)
def test_input_is_read_once(tmp_path: Path, reads: list[int], row: str) -> None:
    source = Source(tmp_path)
    for name in ("a.csv", "b.csv"):
        source.put(name, "id,name\n" + f"{row}\n" * 20_000)
    assert convert_parts(source.task()).read == 40_000
    assert sum(reads) == sum(each.size for each in source.objects())


def test_cost_does_not_grow_with_distinct_headers(tmp_path: Path, reads: list[int]) -> None:
    effort = []
    for kind in ("equal", "distinct"):
        (tmp_path / kind).mkdir()
        source = Source(tmp_path / kind)
        for number in range(300):
            extra = f"x{number:03}" if kind == "distinct" else "x000"
            source.put(f"{number}.csv", f"{extra},id,name\n?,{number},a\n")
        objects = source.objects()
        assert len({each.header for each in objects}) == (300 if kind == "distinct" else 1)
        tasks = plan_tasks(objects, at_once=2, can_split=True)
        converted = [convert_parts(source.task(parts=task)) for task in tasks]
        assert sum(each.read for each in converted) == 300
        effort.append((len(tasks), [len(each.table) for each in converted], len(reads), sum(reads)))
        reads.clear()
    assert effort[0] == effort[1]
