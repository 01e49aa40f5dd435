"""Sizes and counts at which the code changes strategy: each is lowered, and the result stays the same."""

import gzip
import json
import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.csv import heads as csv_heads
from lakewright.csv import objects as csv_objects
from lakewright.csv import tasks as csv_tasks
from lakewright.csv.heads import read_heads
from lakewright.csv.options import CsvOptions
from lakewright.dms.files import read_footers
from lakewright.errors import OvertakenError
from lakewright.hudi import catalog as hudi_catalog
from lakewright.in_place import packing, rewrite
from lakewright.in_place.rewrite import Rewritten
from lakewright.json import lines as json_lines
from lakewright.json.scrub import scrub_object, warn_of_hidden
from lakewright.json.scrub_rules import ScrubRules
from lakewright.kafka import batches as event_batches
from lakewright.kafka import sink as kafka_sink
from lakewright.kafka.batches import EventBatch, read_events
from lakewright.kafka.blocks import lines as event_lines
from lakewright.kafka.copies import find_copies, twins_of
from lakewright.kafka.rules import DayRange, EventRules
from lakewright.kafka.settling import SettledEvents, settle
from lakewright.kafka.sink import EventObject
from lakewright.log.records import SourceObject
from lakewright.parquet import arrow
from lakewright.parquet import values as parquet_values
from lakewright.parquet.arrow import read_file
from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from lakewright.storage import local_in_place, object_file
from lakewright.storage.compression import gzip as storage_gzip
from lakewright.storage.uris import open_in_place, open_lake
from tests.conftest import Bench
from tests.s3_server import BUCKET
from tests.workers import InProcessWorkers
from transforms.errors import DataError
from transforms.events import contents as event_contents
from transforms.events import flat_rows, record_shape
from transforms.events.flat_rows import flatten
from transforms.events.lines import parse_lines
from transforms.events.schema import EventSchema
from transforms.events.sink_names import read_sink_name
from transforms.json import text as json_text

Patch = tuple[ModuleType, str, Any]

DAYS = "year=2026/month=08/day=01"


def put_events(lake: Path) -> list[str]:
    """Write objects as a sink may: nested and irregular records, invalid lines, and one object twice."""
    chance = random.Random(13)
    bodies = []
    for _ in range(6):
        lines = []
        for n in range(40):
            record = {
                "n": n,
                "ts": 1_785_542_400 + 3600 * chance.randrange(72),
                "tags": [chance.choice("abc")] * chance.randrange(3),
                "by": {f"key {chance.randrange(4)}": {"deep": chance.random()}},
                **({"text": "caf\u00e9 " * chance.randrange(9)} if n % 3 else {}),
            }
            if n % 5 == 0:  # the same in all objects
                record = {"n": n, "ts": 1_785_542_400, "tags": ["a"]}
            lines.append(json.dumps(record, ensure_ascii=chance.random() < 0.5).encode())
        lines[7], lines[11] = b'{"n": ', b""
        bodies.append(b"\n".join(lines) + b"\n")
    paths = []
    for number, body in enumerate([*bodies, bodies[0]]):
        folder = DAYS if number < len(bodies) else f"{DAYS}/hour=1"
        path = f"t/{folder}/t+0+{number % len(bodies) * 30:010}.json{'.gz' if number % 2 else ''}"
        (lake / path).parent.mkdir(parents=True, exist_ok=True)
        (lake / path).write_bytes(gzip.compress(body) if number % 2 else body)
        paths.append(path)
    return paths


def flattened(lake: Path, paths: Sequence[str], staging: str) -> SettledEvents:
    """Run a whole batch in this process."""
    workers = InProcessWorkers(4)
    objects = []
    for path in paths:
        name = read_sink_name(path, "+")
        assert not isinstance(name, str)
        objects.append(EventObject(path, (lake / path).stat().st_size, name, "", ""))
    uri = str(lake)
    new, before = twins_of(objects, {}, lambda path: read_sink_name(path, "+"))
    batch = EventBatch(
        source_uri=uri,
        lake_uri=uri,
        objects=objects,
        rules=EventRules({("ts",): "epoch_seconds"}, day=("ts",), offset=("n",)),
        separator="_",
        reserved=(),
        known=EventSchema(),
        former=EventSchema(),
        existing=[],
        retaken=frozenset(),
        dedupe_days=0,
        table=TablePlace(f"{staging}/table/", "refined/", "1-", "snappy"),
        quarantine=QuarantinePlace(f"{staging}/quarantine/", "quarantine/", "run", "2026-08-01"),
        days=DayRange(date(2026, 1, 1), date(2026, 12, 31)),
    )
    copies = find_copies(workers, uri, new, before, max_record_bytes=1 << 20, records="lines")
    return settle(workers, batch, read_events(workers, batch, copies))


def rows_of(lake: Path, files: Sequence[Any]) -> list[str]:
    opened = open_lake(str(lake))
    rows = [
        str(sorted((key, str(value)) for key, value in row.items() if value is not None)) + file.partition
        for file in files
        for row in read_file(opened, file.staged).to_pylist()
    ]
    return sorted(rows)


def summary(lake: Path, result: SettledEvents) -> tuple[Any, ...]:
    reports = [result.reports[path] for path in sorted(result.reports)]
    quarantine = [file for report in reports for file in report.quarantine]
    counts = [(each.path, each.read, each.superseded, sorted(each.rejected.items())) for each in reports]
    return rows_of(lake, result.files), rows_of(lake, quarantine), counts


@pytest.mark.parametrize(
    "patches",
    [
        pytest.param(
            [(arrow, "FILE_BYTES", 2_000), (event_lines, "_BLOCK_BYTES", 100), (event_lines, "_BLOCK_LINES", 1)],
            id="several-files",
        ),
        pytest.param([(arrow, "_FEWEST", 1)], id="values-are-counted-for-their-encoding"),
        pytest.param([(kafka_sink, "_READ_BYTES", 100)], id="objects-read-in-parts"),
        pytest.param([(kafka_sink, "_TEXT_BYTES", 50)], id="lines-over-blocks"),
        pytest.param([(kafka_sink, "_LOOKED_AT", 8)], id="a-truncated-head"),
        pytest.param([(event_batches, "_SMALL_TASK_BYTES", 100)], id="several-tasks"),
        pytest.param([(event_batches, "_TASK_BYTES", 1)], id="one-task-per-object"),
        pytest.param([(event_contents, "_ROWS_AT_ONCE", 3)], id="contents-compared-in-parts"),
        pytest.param([(record_shape, "_MOST_KEYS", 2)], id="too-many-keys-for-a-shape"),
        pytest.param([(record_shape, "_MOST_CLASSES", 1)], id="too-many-shapes"),
        pytest.param([(record_shape, "_SHARE_OF_KEYS", 2.0)], id="sparse-records"),
        pytest.param([(record_shape, "_LONGEST_PAUSE", 1), (kafka_sink, "_TEXT_BYTES", 50)], id="short-pauses"),
    ],
)
def test_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patches: list[Patch]) -> None:
    paths = put_events(tmp_path)
    expected = flattened(tmp_path, paths, "_staging/default")
    for patch in patches:
        monkeypatch.setattr(*patch)
    lowered = flattened(tmp_path, paths, "_staging/lowered")
    assert summary(tmp_path, lowered) == summary(tmp_path, expected)
    read, superseded = (
        sum(getattr(each, name) for each in expected.reports.values()) for name in ("read", "superseded")
    )
    assert (read, superseded > 39) == (7 * 39, True)
    if patches[0][1] in ("FILE_BYTES", "_SMALL_TASK_BYTES", "_TASK_BYTES"):
        assert len(lowered.files) > len(expected.files)


def test_objects_that_keep_adding_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = put_events(tmp_path)
    monkeypatch.setattr(event_batches, "_PASSES", 1)
    with pytest.raises(DataError, match=r"t/year=2026.* needs new columns on every pass"):
        flattened(tmp_path, paths, "_staging")
    monkeypatch.setattr(event_batches, "_PASSES", 2)
    assert flattened(tmp_path, paths, "_staging").files


@pytest.mark.parametrize(("most", "is_refused"), [(3, False), (2, True)])
def test_the_maximum_number_of_attributes(monkeypatch: pytest.MonkeyPatch, most: int, is_refused: bool) -> None:
    monkeypatch.setattr(flat_rows, "MOST_ATTRIBUTES", most)
    parsed = parse_lines([b'{"a":1,"b":2}', b'{"c":3}'])
    if is_refused:
        with pytest.raises(DataError):
            flatten(parsed.records, parsed.lines)
    else:
        assert list(flatten(parsed.records, parsed.lines).values) == [("a",), ("b",), ("c",)]


RECORDS = [
    {
        "pad": "caf\u00e9 " * n,
        "email": "\u20ac" * n,
        "in": json.dumps({"email": "x" * n}),
        "a": [[[[[[[[{"email": n}]]]]]]]],
    }
    for n in range(30)
]


@pytest.mark.parametrize("end", [".json", ".json.gz"])
@pytest.mark.parametrize("depth", ["top", "any"])
@pytest.mark.parametrize(
    "patch",
    [
        pytest.param((rewrite, "_IN_MEMORY", 10), id="a-body-on-disk"),
        pytest.param((json_text, "_DECODED_AT_ONCE", 3), id="texts-checked-in-parts"),
        pytest.param((json_lines, "PIECE_BYTES", 3), id="decompressed-in-parts"),
        pytest.param((storage_gzip, "_INPUT_BYTES", 1), id="decompressed-byte-by-byte"),
        pytest.param((local_in_place, "PIECE_BYTES", 5), id="read-in-parts"),
    ],
)
def test_scrubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patch: Patch, depth: Any, end: str) -> None:
    text = b"\n".join(json.dumps(record, ensure_ascii=False).encode() for record in RECORDS)
    body = gzip.compress(text) if end == ".json.gz" else text
    results = []
    for name in ("default", "lowered"):
        (tmp_path / f"{name}{end}").write_bytes(body)
        if name == "lowered":
            monkeypatch.setattr(*patch)
        rules = ScrubRules(("email",), depth, inside_strings=("in",))
        numbers = scrub_object(open_in_place(str(tmp_path)), f"{name}{end}", rules).numbers
        written = (tmp_path / f"{name}{end}").read_bytes()
        results.append((gzip.decompress(written) if end == ".json.gz" else written, numbers["blanked"]))
    assert results[0] == results[1]
    records = [json.loads(line) for line in results[0][0].splitlines()]
    assert [record["email"] for record in records] == [""] * 30
    assert records[9]["a"] == [[[[[[[[{"email": "" if depth == "any" else 9}]]]]]]]]


def test_an_object_that_is_rewritten_during_every_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text('{"email": "x"}')
    reads = []

    def replace(*_: Any, **__: Any) -> None:
        reads.append(1)

    monkeypatch.setattr(local_in_place.LocalInPlace, "replace", replace)
    with pytest.raises(OvertakenError, match=r"a.json was rewritten 5 times while it was read; run again"):
        scrub_object(open_in_place(str(tmp_path)), "a.json", ScrubRules(("email",)))
    assert len(reads) == 5


@given(
    st.lists(st.integers(0, 30), max_size=40),
    st.integers(1, 30),
    st.integers(1, 60),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_packs_of_objects(sizes: list[int], small: int, pack_bytes: int, pack_objects: int, cores: int) -> None:
    objects = [SourceObject(path=str(number), size=size, etag="") for number, size in enumerate(sizes)]
    size_of = {source.path: source.size for source in objects}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "_SMALL", small)
        patch.setattr(packing, "_PACK_BYTES", pack_bytes)
        patch.setattr(packing, "_PACK_OBJECTS", pack_objects)
        packs = [[path for path, *_ in pack] for pack in packing.packed(objects, cores=cores)]
    assert sorted(path for pack in packs for path in pack) == sorted(size_of)
    for pack in packs:
        assert len(pack) <= pack_objects
        assert len(pack) == 1 or sum(size_of[path] for path in pack) <= pack_bytes
        assert len(pack) == 1 or all(size_of[path] < small for path in pack[1:])


def test_warnings_name_some_objects() -> None:
    hidden = {f"{n}.json": n for n in range(1, 13)}
    scrubbed = [Rewritten(path, "rewritten", numbers={"hidden": count}) for path, count in hidden.items()]
    rules = ScrubRules(("email",))
    (warning,) = warn_of_hidden(scrubbed[:10], rules=rules)
    assert warning.endswith(f"9.json (9), 10.json (10); {rules.advice()}")
    (warning,) = warn_of_hidden(scrubbed, rules=rules)
    assert warning.endswith(f"9.json (9), 10.json (10) and 2 more objects; {rules.advice()}")


@pytest.mark.parametrize("end", [".csv", ".csv.gz"])
@pytest.mark.parametrize(("head", "longest"), [(4, 1 << 20), (2, 300), (4, 30)])
def test_headers_of_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: int, longest: int, end: str) -> None:
    text = ('id,"a name\nover lines",caf\u00e9,d\n' + "".join(f"{n**9},2,3,4\n" for n in range(50))).encode()
    (tmp_path / f"a{end}").write_bytes(gzip.compress(text) if end == ".csv.gz" else text)
    objects = [(f"a{end}", (tmp_path / f"a{end}").stat().st_size)]
    expected = read_heads(open_lake(str(tmp_path)), objects, CsvOptions(multiline=True))
    assert expected.headers[f"a{end}"].names == ("id", "a name\nover lines", "caf\u00e9", "d")
    monkeypatch.setattr(csv_heads, "_HEAD_BYTES", head)
    monkeypatch.setattr(csv_heads, "_LONGEST_HEADER", longest)
    heads = read_heads(open_lake(str(tmp_path)), objects, CsvOptions(multiline=True))
    if longest == 30:
        assert heads.refused == {f"a{end}": "no end of the header within 0 MiB"}
    else:
        assert heads.headers[f"a{end}"].names == expected.headers[f"a{end}"].names
        assert heads.refused == {}


@pytest.mark.parametrize("limit", [1 << 20, 100])
@pytest.mark.parametrize(
    "patches",
    [
        pytest.param([(object_file, "TAIL_BYTES", 16)], id="a-short-tail"),
        pytest.param([(parquet_values, "_WINDOW", 8)], id="a-short-window"),
        pytest.param([(parquet_values, "_READ_BYTES", 1)], id="row-by-row"),
    ],
)
def test_footers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patches: list[Patch], limit: int) -> None:
    rows = {"n": range(500), "ts": ["2026-08-01"] * 500, "text": ["x" * (n % 120) for n in range(500)]}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet", row_group_size=70)
    lake = open_lake(str(tmp_path))
    objects = [SourceObject(path=entry.path, size=entry.size, etag="") for entry in lake.list("")]
    expected = read_footers(lake, objects, max_record_bytes=limit)
    for patch in patches:
        monkeypatch.setattr(*patch)
    assert read_footers(lake, objects, max_record_bytes=limit) == expected
    assert len(expected[0]) == (limit > 119)


def test_a_long_schema_in_a_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {f"column_{n}": "bigint" for n in range(20)} | {"day": "string"}
    whole = hudi_catalog._spark_parameters(columns, ["day"])
    monkeypatch.setattr(hudi_catalog, "_PARAMETER_CHARACTERS", 7)
    parts = hudi_catalog._spark_parameters(columns, ["day"])
    count = int(parts["spark.sql.sources.schema.numParts"])
    assert (whole["spark.sql.sources.schema.numParts"], count > 100) == ("1", True)
    joined = "".join(parts[f"spark.sql.sources.schema.part.{n}"] for n in range(count))
    assert joined == whole["spark.sql.sources.schema.part.0"]


@pytest.mark.slow
@pytest.mark.usefixtures("bucket")
def test_pages_of_a_listing_on_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    lake = open_lake(f"s3://{BUCKET}/paged/")
    paths = [f"{folder}/{n:02}" for folder in ("a", "b+", "c d") for n in range(7)]
    for path in paths:
        lake.create(path, b"")
    expected = [entry.path for entry in lake.list("")], lake.folders("")
    assert expected == (paths, ["a", "b+", "c d"])
    pages = []
    client = lake._s3  # type: ignore[attr-defined]
    whole = client.list_objects_v2

    def page(**listing: Any) -> Any:
        pages.append(listing)
        return whole(**listing, MaxKeys=2)

    monkeypatch.setattr(client, "list_objects_v2", page)
    assert ([entry.path for entry in lake.list("")], lake.folders("")) == expected
    assert len(pages) == 11 + 2


def test_a_source_that_keeps_changing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakewright.sources.reader import ObjectReader

    bench.put("a.csv", "id,name\n1,a\n")
    monkeypatch.setattr(ObjectReader, "changed", lambda _, plan: [plan.objects[0].path])
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "refused")
    assert receipt["error"] == "the source kept changing while it was read; gave up after 5 tries"
    assert [batch["status"] for batch in receipt["batches"]] == ["dropped"] * 5
    assert bench.rows() == []


CSV_PATCHES = [
    pytest.param([(csv_tasks, "_TASK_BYTES", 64)], id="one-task-per-object"),
    pytest.param([(csv_tasks, "_SMALL_TASK_BYTES", 1)], id="as-many-tasks-as-cores"),
    pytest.param([(csv_objects, "_READ_BYTES", 7)], id="objects-read-in-parts"),
    pytest.param([(arrow, "FILE_BYTES", 100)], id="several-files-per-task"),
]


@pytest.mark.slow
@pytest.mark.parametrize("patches", CSV_PATCHES)
def test_csv(bench: Bench, monkeypatch: pytest.MonkeyPatch, patches: list[Patch]) -> None:
    for patch in patches:
        monkeypatch.setattr(*patch)
    bench.put("a.csv", "id,name\n" + "".join(f"{n},name {n}\n" for n in range(60)) + "x,dirty\n")
    bench.put("b.csv", "id,name\n" + "".join(f"{n},name {n}\n" for n in range(60, 70)), day="02")
    receipt = bench.run()
    assert receipt["exit_code"] == 0, receipt["error"]
    assert (receipt["counts"]["written"], receipt["counts"]["rejected"]) == (70, 1)
    assert bench.rows() == sorted(((n, f"name {n}") for n in range(70)), key=repr)
    assert bench.strays() == []
