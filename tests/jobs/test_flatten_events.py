"""The job flatten_events through the command line, on a local lake."""

import gzip
import itertools
import json
import random
import shutil
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.conftest import ROOT
from tests.jobs.event_bench import DAY, EventBench, expected_records
from tests.transforms.events.event_oracle import normal_record
from tests.workers import start_processes


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventBench]:
    (tmp_path / "lake").mkdir()
    without_spark: Any = None
    bench = EventBench(tmp_path, without_spark)
    bench.feed()
    yield bench
    assert bench.strays() == []
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(params=["local", "spark"])
def on_both(request: pytest.FixtureRequest, events: EventBench, monkeypatch: pytest.MonkeyPatch) -> EventBench:
    """Runs tasks on each engine: in worker processes, and on Spark."""
    if request.param == "spark":
        request.getfixturevalue("spark")
    start_processes(monkeypatch)
    events.engine = request.param
    return events


def counts(receipt: dict[str, Any]) -> tuple[int, int, int, int]:
    rows = receipt["counts"]
    return rows["read"], rows["written"], rows["superseded"], rows["rejected"]


@pytest.mark.slow
def test_real_events_of_a_topic_with_a_dot(on_both: EventBench, spark: SparkSession) -> None:
    expected = json.loads((ROOT / "tests/data/geo.quakes.expected.json").read_text())
    shutil.copytree(ROOT / "examples/raw/topics", on_both.lake / "raw/topics")
    on_both.feed(source__day={"from": "field", "field": "ts"}, source__timestamps={"ts": "epoch_millis"})
    receipt = on_both.run()
    assert counts(receipt) == (1707, 1707, 0, 0)
    assert receipt["ignored"] == {"raw/topics/LICENSE.md": "is not in a topic's folder"}

    kinds = {"string": "string", "long": "bigint", "double": "double", "array": "array<double>"}
    names = {"_".join(column["path"]): column for column in expected["columns"]}
    assert on_both.types("geo_quakes") == {
        name: "timestamp"
        if name == "ts"
        else kinds["double" if "double" in column["seen"] else next(kind for kind in column["seen"] if kind != "null")]
        for name, column in names.items()
    }
    table = spark.read.option("mergeSchema", True).parquet(str(on_both.lake / "refined/geo_quakes"))
    table.createOrReplaceTempView("quakes")
    (sums,) = spark.sql(
        """select count(*), count(distinct event_id), sum(feature_properties_sig), sum(feature_properties_nst),
        unix_millis(min(ts)), unix_millis(max(ts)), collect_set(size(feature_geometry_coordinates)),
        count(feature_properties_felt), count(feature_properties_mmi), count(feature_properties_alert),
        count(distinct _partition, _offset) from quakes"""
    ).collect()
    non_null = expected["non_null"]
    assert list(sums) == [
        *(1707, 1707, expected["sum_sig"], expected["sum_nst"], expected["min_ts"], expected["max_ts"], [3]),
        *(non_null["felt"], non_null["mmi"], non_null["alert"], 1707),
    ]
    days = spark.sql("select concat_ws('-', year, month, day) d, count(*) n from quakes group by 1").collect()
    assert {row["d"]: row["n"] for row in days} == expected["rows_per_utc_day_of_ts"]

    rows = {row["event_id"]: row for row in on_both.table("geo_quakes")}
    for name, record in expected["rows_by_event_id"].items():
        assert rows[name]["ts"] == datetime.fromtimestamp(record["ts"] / 1000, UTC)
        for column in expected["columns"]:
            value: Any = record
            for key in column["path"]:
                value = value[key]
            assert rows[name]["_".join(column["path"])] == (rows[name]["ts"] if column["path"] == ["ts"] else value)
    files = [str(on_both.lake / path) for path in on_both.state("geo_quakes").files]
    query = f"select count(*), count(feature_properties_felt), max(_offset) from read_parquet({files})"
    assert duckdb.execute(query).fetchall() == [(1707, 127, 853)]
    assert on_both.run()["status"] == "nothing_new"


def test_topic_names_delimiters_and_stray_objects(events: EventBench) -> None:
    events.feed(source__day={"from": "object"}, source__delimiter="-")
    topics = ["Geo.Quakes", "a+b", "shop-orders_2", "2fa", "_x"]
    for number, topic in enumerate(topics):
        events.put_object(f"{topic}/partition=0/{topic}-0-0000000000.json", b'{"n":%d}\n' % number)
        events.put_object(f"{topic}/p/{topic}-10-5.json.gz", gzip.compress(b'{"n":%d}' % number))
    strays = {
        "README.txt": "is not in a topic's folder",
        "2fa/partition=0/2fa-0.json": "its name is not <topic>-<partition>-<offset>",
        "2fa/notes.md": "its name does not end in .json or .json.gz",
        "2fa/_temporary/2fa-0-0.json": "hidden",
        "elsewhere/x.csv": "its name does not end in .json or .json.gz",
    }
    for path in strays:
        events.put_object(path, b"?")
    answer = events.command("run", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert [receipt["target"] for receipt in answer.data] == ["2fa", "geo_quakes", "x", "a_b", "shop_orders_2"]
    for receipt in answer.data:
        assert counts(receipt) == (2, 2, 0, 0)
        ignored = {path.removeprefix("raw/topics/"): why for path, why in receipt["ignored"].items()}
        assert ignored == {path: why for path, why in strays.items() if receipt["target"] == "2fa" or "2fa" not in path}
    assert [
        (row["_topic"], row["_partition"], row["_offset"], row["_line"], row["n"]) for row in events.table("x")
    ] == [
        ("_x", 0, 0, 1, 4),
        ("_x", 10, 5, 1, 4),
    ]
    assert (events.lake / "raw/topics/2fa/notes.md").read_bytes() == b"?"

    events.feed(source__day={"from": "object"}, source__delimiter="-", source__topics=["[0-9]*", "a+?"])
    answer = events.command("status", "--json")
    assert [status["target"] for status in answer.data] == ["2fa", "a_b"]


def test_topics_that_map_to_the_same_table_are_refused_and_others_are_committed(events: EventBench) -> None:
    for topic in ("a.b", "a-b", "c"):
        events.put_events(0, {"n": 1}, topic=topic)
    events.put_events(0, "broken", topic="d")
    events.feed(max_rejected=0.0)
    answer = events.command("run", "--json")
    assert answer.exit_code == 3
    by_name = {receipt["target"]: receipt for receipt in answer.data}
    assert by_name["a_b"]["exit_code"] == 2
    assert "topics 'a-b' and 'a.b' map to the same table a_b" in by_name["a_b"]["error"]
    assert by_name["c"]["status"] == "committed"
    assert (by_name["d"]["exit_code"], by_name["d"]["status"]) == (3, "refused")
    assert events.records("c") == [normal_record({"n": 1})]
    assert events.command("plan", "--target", "a_b").exit_code == 2


def test_invalid_lines_are_rejected_with_their_numbers(events: EventBench) -> None:
    lines = [b'{"n":1}', b'{"n":2', b"", b'{"n":3}{"n":4}', b'{"n":NaN}', b'{"n":"\x00"}', b'{"n":"\xff"}', b'{"n":5}']
    events.put_events(0, *lines)
    events.put_events(100, *(b'{"n":%d}' % n for n in range(100, 200)), b'{"n":1,"n":2}', b"[]")
    receipt = events.run()
    assert counts(receipt) == (109, 102, 0, 7)
    assert receipt["rules"] == {"doubled_key": 1, "encoding": 1, "json": 4, "record": 1}
    assert [(name, line, reasons, text) for name, line, reasons, text in events.rejects()] == [
        ("t+0+0000000000.json.gz", 2, [("json", None)], '{"n":2'),
        ("t+0+0000000000.json.gz", 4, [("json", None)], '{"n":3}{"n":4}'),
        ("t+0+0000000000.json.gz", 5, [("json", None)], '{"n":NaN}'),
        ("t+0+0000000000.json.gz", 6, [("json", None)], '{"n":"\x00"}'),
        ("t+0+0000000000.json.gz", 7, [("encoding", None)], '{"n":"\\xff"}'),
        ("t+0+0000000100.json.gz", 101, [("doubled_key", None)], '{"n":1,"n":2}'),
        ("t+0+0000000100.json.gz", 102, [("record", None)], "[]"),
    ]
    assert [row["n"] for row in events.table()] == [1, 5, *range(100, 200)]
    assert [row["_offset"] for row in events.table()][:3] == [0, 6, 100]  # a blank line is not a record

    events.put_events(0, {"n": 1})
    assert counts(events.run()) == (1, 1, 0, 0)
    assert [name for name, *_ in events.rejects()] == ["t+0+0000000100.json.gz"] * 2
    assert len(events.table()) == 101


def corrupted(compressed: bytes) -> bytes:
    return compressed[:-8] + bytes(byte ^ 255 for byte in compressed[-8:])


COMPRESSED = gzip.compress(b'{"n":1}\n{"n":2}\n')
STORED = gzip.compress(b'{"n":1}\n{"n":2}\n', 0)


@pytest.mark.parametrize(
    ("body", "numbers", "rejected"),
    [
        pytest.param(gzip.compress(b'{"n":1}\n{"n"') + gzip.compress(b":2}\n"), [1, 2], 0, id="two-members"),
        pytest.param(gzip.compress(b'{"n":1}\n') + b"\0" * 600, [1], 0, id="padded-with-zeros"),
        pytest.param(b'{"n":1}\n{"n":2}', [1, 2], 0, id="uncompressed-without-final-line-feed"),
        pytest.param(b'{"n":1}\nn/a', [1], 1, id="invalid-last-line"),
        pytest.param(b'{"n":1}\n{"n":2\n', [1], 1, id="truncated-record-with-line-feed"),
        pytest.param(b'\xef\xbb\xbf{"n":1}\r\n\r\n{"n":2}\r\n', [1, 2], 0, id="byte-order-mark-and-carriage-returns"),
        pytest.param(b"", [], 0, id="zero-bytes"),
        pytest.param(gzip.compress(b""), [], 0, id="gzip-of-nothing"),
    ],
)
def test_unusual_but_complete_objects_are_read(
    events: EventBench, body: bytes, numbers: list[int], rejected: int
) -> None:
    events.put_object(f"t/{DAY}/t+0+0.json.gz", body)
    events.put_events(50, {"n": 50})
    receipt = events.run()
    assert receipt["exit_code"] == 0, receipt["error"]
    assert counts(receipt) == (len(numbers) + 1 + rejected, len(numbers) + 1, 0, rejected)
    assert [row["n"] for row in events.table()] == [*numbers, 50]
    assert receipt["warnings"] == (
        [] if body else [f"raw/topics/t/{DAY}/t+0+0.json.gz is empty, although gzip never is: it may be truncated"]
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(
            COMPRESSED[:-8], "the gzip stream is truncated, at about line 3", id="truncated-before-the-checksum"
        ),
        pytest.param(COMPRESSED[:-1], "the gzip stream is truncated, at about line 3", id="truncated-in-the-size"),
        pytest.param(STORED[:-10], "the gzip stream is truncated, at about line 2", id="truncated-in-a-line"),
        pytest.param(STORED[:-16], "the gzip stream is truncated, at about line 2", id="truncated-between-lines"),
        pytest.param(COMPRESSED[:10], "the gzip stream is truncated, at about line 1", id="truncated-after-the-header"),
        pytest.param(COMPRESSED[:1], "the gzip stream is truncated, at about line 1", id="truncated-after-one-byte"),
        pytest.param(
            COMPRESSED + COMPRESSED[:12], "the gzip stream is truncated, at about line 3", id="truncated-second-member"
        ),
        pytest.param(corrupted(COMPRESSED), "the gzip stream is damaged, at about line 1", id="wrong-checksum"),
        pytest.param(COMPRESSED + b"junk", "the gzip stream is damaged, at about line 3", id="trailing-junk"),
        pytest.param(
            b"\0\0" + COMPRESSED[2:], "its name ends in .gz, but it is neither gzip nor text", id="no-magic-bytes"
        ),
        pytest.param(zlib.compress(b'{"n":1}'), "its name ends in .gz, but it is neither", id="zlib-instead-of-gzip"),
        pytest.param(b'{"n":1}\n{"n":', "it is truncated: line 2, the last, ends within a record", id="truncated-text"),
        pytest.param(
            b'{"n":1}\r\n{"n":"\xc3', "it is truncated: line 2, the last,", id="text-truncated-in-a-character"
        ),
        pytest.param(
            gzip.compress(b'{"n":1}\n{"n":-'), "it is truncated: line 2, the last,", id="truncated-then-compressed"
        ),
    ],
)
def test_a_damaged_object_is_refused_as_a_whole_and_others_are_committed(
    events: EventBench, body: bytes, reason: str
) -> None:
    damaged = f"raw/topics/t/{DAY}/t+0+0.json.gz"
    events.put_object(damaged.removeprefix("raw/topics/"), body)
    events.put_events(50, {"n": 50}, "dirty")
    receipt = events.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "committed")
    assert list(receipt["refused"]) == [damaged]
    assert receipt["refused"][damaged].startswith(reason)
    assert f"refused {damaged}: {reason}" in receipt["error"]
    assert counts(receipt) == (2, 1, 0, 1)
    assert [row["n"] for row in events.table()] == [50]
    assert [name for name, *_ in events.rejects()] == ["t+0+0000000050.json.gz"]
    assert events.run()["exit_code"] == 3
    events.put_object(damaged.removeprefix("raw/topics/"), COMPRESSED)
    assert counts(events.run()) == (2, 2, 0, 0)


@pytest.mark.parametrize("end", [".json", ".json.gz"])
@pytest.mark.parametrize("position", ["first", "last", "only"])
def test_an_object_with_a_line_above_the_limit_is_refused_as_a_whole(
    events: EventBench, end: str, position: str
) -> None:
    events.feed(source__max_record_bytes=2048)
    longest, too_long = {"text": "x" * (2048 - 12)}, {"text": "secret" + "x" * (2049 - 18)}
    events.put_events(50, longest, "dirty")
    others = [{"n": n} for n in range(3)]
    lines = {"first": [too_long, *others], "last": [*others, too_long], "only": [too_long]}[position]
    paths = [events.put_events(0, *lines, end=end, folder=folder) for folder in (DAY, COPY)]
    answer = events.command("run", "--json")
    (receipt,) = answer.data
    assert (answer.exit_code, receipt["status"]) == (3, "committed")
    number = 4 if position == "last" else 1
    reason = (
        f"line {number} is longer than 2048 bytes; raise max_record_bytes if this is intended; "
        "none of its rows were read"
    )
    assert receipt["refused"] == dict.fromkeys(paths, reason)
    assert "secret" not in answer.stdout + answer.stderr
    assert counts(receipt) == (2, 1, 0, 1)
    assert [row["text"] for row in events.table()] == [longest["text"]]
    events.feed(source__max_record_bytes=2049)
    assert counts(events.run()) == (2 * len(lines), len(lines), len(lines), 0)


@pytest.mark.parametrize("on_missing_source", ["refuse", "rebuild"])
def test_rows_of_an_object_that_is_damaged_later_are_kept(events: EventBench, on_missing_source: str) -> None:
    events.feed(target__on_missing_source=on_missing_source)
    path = events.put_events(0, {"n": 0}, {"n": 1}, "dirty", {"n": 3})
    events.put_events(10, {"n": 10})
    events.run()
    table, rejects = events.table(), events.rejects()
    whole = (events.lake / path).read_bytes()
    events.put_object(path.removeprefix("raw/topics/"), whole[:-9])
    events.put_events(20, {"n": 20})
    receipt = events.run()
    assert (receipt["exit_code"], receipt["status"], list(receipt["refused"])) == (3, "committed", [path])
    assert [row["n"] for row in events.table()] == [0, 1, 3, 10, 20]
    assert (events.table()[:4], events.rejects()) == (table, rejects)
    files = set(events.state().files)
    for arguments in ([], ["--date", "2026-08-01"]):
        receipt = events.run(*arguments, verb="rebuild")
        assert (receipt["exit_code"], list(receipt["refused"])) == (3, [path])
        assert f"refused {path}: the gzip stream is truncated" in receipt["error"]
        assert (events.table()[:4], events.rejects()) == (table, rejects)
        if not arguments:
            assert set(events.state().files) == files
    events.put_object(path.removeprefix("raw/topics/"), whole)
    assert counts(events.run()) == (4, 3, 0, 1)
    assert (events.table()[:4], events.rejects()) == (table, rejects)


def test_no_record_is_lost_if_one_of_two_overlapping_objects_is_damaged_and_the_other_rewritten(
    events: EventBench,
) -> None:
    every = [{"n": n} for n in range(15)]
    first = events.put_events(0, *every[:10])
    second = events.put_events(5, *every[5:15])
    assert counts(events.run()) == (20, 15, 5, 0)
    whole = (events.lake / second).read_bytes()
    events.put_object(second.removeprefix("raw/topics/"), whole[:-9])
    events.put_events(0, *every[:6])
    receipt = events.run()
    assert (receipt["exit_code"], sorted(receipt["refused"])) == (3, [first, second])
    assert f"until {second} is readable again" in receipt["refused"][first]
    assert [row["n"] for row in events.table()] == list(range(15))
    events.put_object(second.removeprefix("raw/topics/"), whole)
    assert counts(events.run()) == (16, 15, 1, 0)
    assert [row["n"] for row in events.table()] == list(range(15))


def test_too_many_rejected_rows_publish_nothing(events: EventBench) -> None:
    events.feed(max_rejected=0.3)
    events.put_events(0, {"n": 1}, "x", {"n": 2}, "y")
    receipt = events.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "refused")
    assert "2 of 4 rows rejected, above max_rejected 0.3; nothing was published (json (2))" in receipt["error"]
    assert (events.table(), events.state().schema_versions) == ([], [])
    assert [line for _, line, _, _ in events.rejects()] == [2, 4]
    events.put_events(0, {"n": 1}, "x", {"n": 2}, {"n": 3})
    assert counts(events.run()) == (4, 3, 0, 1)
    assert [line for _, line, _, _ in events.rejects()] == [2]


def test_overlapping_objects_do_not_duplicate_rows(events: EventBench) -> None:
    every = [{"n": n} for n in range(20)]
    events.put_events(0, *every[:10])
    events.put_events(5, *every[5:12])
    # Objects in another folder may contain other records, unless they are exact copies.
    events.put_events(0, *every[:3], folder="year=2026/month=08/day=02")
    events.put_events(0, *every[:3], partition=1)
    assert counts(events.run()) == (23, 18, 5, 0)
    events.put_events(8, *every[8:20])
    assert counts(events.run()) == (12, 8, 4, 0)
    assert [(row["_partition"], row["n"]) for row in events.table() if row["_day"] == DAY] == [
        *((0, n) for n in range(20)),
        *((1, n) for n in range(3)),
    ]
    assert [row["n"] for row in events.table() if row["_day"] != DAY] == [0, 1, 2]
    assert events.run()["status"] == "nothing_new"


def test_equal_payloads_at_different_offsets_are_two_rows(events: EventBench) -> None:
    events.put_events(0, {"n": 1}, {"n": 1}, {"n": 1})
    assert counts(events.run()) == (3, 3, 0, 0)


def test_a_carried_position_takes_precedence(events: EventBench) -> None:
    events.feed(source__record={"topic": "k.topic", "partition": "k.p", "offset": "k.o\\.x"})

    def event(n: int, **position: Any) -> dict[str, Any]:
        return {"n": n, "k": position}

    events.put_events(0, event(1, p=7, **{"o.x": 70}), event(2, p=7, **{"o.x": 71}), event(3))
    events.put_events(
        1000, event(1, p=7, **{"o.x": 70}), event(4, p=7, **{"o.x": 69}), event(5, topic="u", p=7, **{"o.x": 70})
    )
    events.put_events(2000, event(6, p="7", **{"o.x": -1}), event(7, p=0, **{"o.x": 2}))
    assert counts(events.run()) == (8, 7, 1, 0)
    assert [(row["_topic"], row["_partition"], row["_offset"], row["n"]) for row in events.table()] == [
        ("t", 0, 2, 7),
        ("t", 0, 2, 3),  # computed from the object's name, which is only a lower bound: distinct from record 7
        ("t", 0, 2000, 6),
        ("t", 7, 69, 4),
        ("t", 7, 70, 1),
        ("t", 7, 71, 2),
        ("u", 7, 70, 5),
    ]


def test_records_of_one_kafka_partition_in_several_folders_are_all_kept(events: EventBench) -> None:
    """A sink with FieldPartitioner: offsets have gaps in each file, so positions of different files collide."""
    events.feed(source__day={"from": "object"})
    events.put_events(0, {"n": 0}, {"n": 2}, {"n": 4}, folder="region=eu")
    events.put_events(1, {"n": 1}, {"n": 3}, {"n": 5}, folder="region=us")
    for verb in ("run", "rebuild"):
        receipt = events.run(verb=verb)
        assert (counts(receipt), receipt["warnings"]) == ((6, 6, 0, 0), [])
        assert sorted(row["n"] for row in events.table()) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("at_once", [True, False], ids=["in-one-batch", "in-two-batches"])
@pytest.mark.parametrize("offset", [None, "n"], ids=["computed", "carried"])
def test_different_records_at_the_same_offset_are_both_kept_with_a_warning(
    events: EventBench, offset: str | None, at_once: bool
) -> None:
    """A topic that was deleted and created again restarts at offset 0."""
    events.feed(source__record={"offset": offset})
    events.put_events(0, {"n": 0, "of": "old"}, {"n": 1, "of": "both"}, {"n": 2, "of": "old"})
    if not at_once:
        events.run()
    path = events.put_events(1, {"n": 1, "of": "both"}, {"n": 2, "of": "new"}, {"n": 3, "of": "new"})
    receipt = events.run()
    assert counts(receipt) == ((6, 5, 1, 0) if at_once else (3, 2, 1, 0))
    assert receipt["warnings"] == [
        f"records with the offset of another record and different content: 1, in {path}; all are kept "
        "(source.on_offset_conflict)"
    ]
    assert receipt["batches"][0]["numbers"] == {path: {"offset_conflicts": 1}}
    assert [(row["_offset"], row["of"]) for row in events.table()] == [
        (0, "old"),
        (1, "both"),
        (2, "new"),
        (2, "old"),
        (3, "new"),
    ]
    assert (
        f"warning: records with the offset of another record and different content: 1, in {path}"
        in events.command("rebuild").stderr
    )


def test_different_records_at_the_same_offset_can_be_refused(events: EventBench) -> None:
    events.feed(source__on_offset_conflict="refuse")
    old = events.put_events(0, {"n": 0}, {"n": 1}, {"n": 2})
    assert events.run()["exit_code"] == 0
    table = events.table()
    new = events.put_events(1, {"n": 1}, {"n": "secret"})
    for _ in range(2):
        receipt = events.run()
        assert (receipt["exit_code"], receipt["status"]) == (3, "refused")
        assert (
            f"{new}, line 2, and {old}, line 3, both have offset 2 and differ; nothing was published"
            in (receipt["error"])
        )
        assert "secret" not in json.dumps(receipt)
        assert events.table() == table
    events.feed()
    assert counts(events.run()) == (2, 1, 1, 0)


def test_a_recreated_topic_with_carried_offsets_loses_no_event(events: EventBench) -> None:
    events.feed(source__record={"offset": "o"}, target__dedupe_days=400)
    events.put_events(0, *({"o": n, "of": "old"} for n in range(5)))
    events.run()
    events.put_events(0, *({"o": n, "of": "new"} for n in range(5)), folder="year=2026/month=08/day=02")
    events.put_events(3, *({"o": n, "of": "new"} for n in range(3, 6)), folder="year=2026/month=08/day=03")
    receipt = events.run()
    assert counts(receipt) == (8, 6, 2, 0)
    assert " different content: 5, in " in receipt["warnings"][0]
    assert sorted((row["of"], row["o"]) for row in events.table()) == [
        *(("new", n) for n in range(6)),
        *(("old", n) for n in range(5)),
    ]


def test_a_redelivered_record_is_deduplicated_although_its_columns_have_new_types(events: EventBench) -> None:
    record = {"n": 1, "a": [], "b": [{"c": []}], "d": 10**40, "e": {}, "f": [{"z": 1, "a": None}]}
    events.put_events(0, {"n": 0}, record)
    events.run()
    events.put_events(10, {"a": [1], "b": [{"c": ["x"]}], "d": 1.5, "e": {"x": 1}, "f": [{"a": 2, "z": 2}]})
    events.run()
    events.put_events(1, record, {"n": 2})
    receipt = events.run()
    assert (counts(receipt), receipt["warnings"]) == ((2, 1, 1, 0), [])


COPY = "year=2026/month=08/day=20"


@pytest.mark.parametrize("at_once", [True, False], ids=["in-one-batch", "in-two-batches"])
def test_an_exact_copy_in_another_folder_is_superseded_as_a_whole(events: EventBench, at_once: bool) -> None:
    first = events.put_events(0, {"n": 0}, "dirty", {"n": 2})
    body = gzip.decompress((events.lake / first).read_bytes())
    if not at_once:
        events.run()
    events.put_object(f"t/{COPY}/t+0+0000000000.json.gz", gzip.compress(body, 1))
    events.put_object(f"t/{COPY}/t+1+0000000000.json.gz", gzip.compress(body))  # another name
    events.put_events(0, {"n": 0}, "dirty", {"n": 3}, folder=f"{COPY}/hour=1")  # other content
    receipt = events.run()
    assert counts(receipt) == ((12, 6, 3, 3) if at_once else (9, 4, 3, 2))
    assert receipt["warnings"] == []
    rows = [(row["_partition"], row["n"], row["_day"]) for row in events.table()]
    assert sorted(rows) == [(0, 0, DAY), (0, 0, COPY), (0, 2, DAY), (0, 3, COPY), (1, 0, COPY), (1, 2, COPY)]
    assert counts(events.run(verb="rebuild")) == (12, 6, 3, 3)
    assert sorted((row["_partition"], row["n"], row["_day"]) for row in events.table()) == sorted(rows)
    assert len(events.rejects()) == 3


def test_a_copy_provides_the_rows_once_its_original_is_rewritten(events: EventBench) -> None:
    first = events.put_events(0, {"n": 0}, "dirty", {"n": 2})
    events.run()
    second = events.put_events(0, {"n": 0}, "dirty", {"n": 2}, folder=COPY)
    assert counts(events.run()) == (3, 0, 3, 0)
    events.put_events(0, {"n": 7})
    receipt = events.run()
    assert [each["path"] for each in receipt["batches"][0]["inputs"]] == [first, second]
    assert counts(receipt) == (4, 3, 0, 1)
    assert [(row["_day"], row["n"]) for row in events.table()] == [(DAY, 7), (COPY, 0), (COPY, 2)]
    assert len(events.rejects()) == 1


def test_an_object_that_has_disappeared_is_not_matched_as_a_copy(events: EventBench) -> None:
    first = events.put_events(0, {"n": 0}, {"n": 1})
    events.run()
    (events.lake / first).unlink()
    events.put_events(0, {"n": 0}, {"n": 1}, folder=COPY)
    assert counts(events.run()) == (2, 2, 0, 0)
    events.put_events(0, {"n": 0}, {"n": 1}, folder=f"{COPY}/hour=2")
    assert counts(events.run()) == (2, 0, 2, 0)
    assert [(row["_day"], row["n"]) for row in events.table()] == [(DAY, 0), (COPY, 0), (DAY, 1), (COPY, 1)]


def test_copies_of_a_damaged_object_are_refused_too(events: EventBench) -> None:
    paths = [f"t/{folder}/t+0+0.json" for folder in (DAY, COPY, f"{COPY}/hour=1")]
    for path in paths:
        events.put_object(path, b'{"n":1}\n{"n":')
    receipt = events.run()
    assert (receipt["exit_code"], sorted(receipt["refused"])) == (3, [f"raw/topics/{path}" for path in sorted(paths)])
    assert len(receipt["batches"]) == 1


def test_records_redelivered_on_another_day_are_deduplicated_within_their_folder(events: EventBench) -> None:
    events.feed(source__day={"from": "object"})
    events.put_events(0, *({"n": n} for n in range(4)), folder="partition=0")
    events.run()
    events.clock += 3 * 86_400
    events.put_events(2, *({"n": n} for n in range(2, 6)), folder="partition=0")
    assert counts(events.run()) == (4, 2, 2, 0)
    assert [row["n"] for row in events.table()] == list(range(6))


@pytest.mark.parametrize(("days", "superseded"), [(0, 0), (1, 2)])
def test_dedupe_days_extends_deduplication_to_neighbouring_days(events: EventBench, days: int, superseded: int) -> None:
    events.feed(target__dedupe_days=days, source__record={"offset": "n"})
    events.put_events(0, {"n": 0}, {"n": 1}, {"n": 2})
    events.run()
    events.put_events(0, {"n": 0}, {"n": 1}, folder="year=2026/month=08/day=02")
    assert counts(events.run()) == (2, 2 - superseded, superseded, 0)
    events.put_events(1, {"n": 1}, {"n": 2}, folder="year=2026/month=08/day=09")
    assert counts(events.run()) == (2, 2, 0, 0)


def test_a_rewritten_object_replaces_its_rows(events: EventBench) -> None:
    first = events.put_events(0, {"n": 0}, {"n": 1}, "x")
    events.put_events(10, {"n": 10}, {"n": 11})
    other = events.put_events(20, {"n": 20}, folder="year=2026/month=08/day=02")
    events.run()
    untouched = {path for path, file in events.state().files.items() if file.objects == [other]}
    assert len(untouched) == 1
    events.put_events(0, {"n": 5}, {"n": "text"}, {"new": True})
    receipt = events.run()
    assert [each["path"] for each in receipt["batches"][0]["inputs"]] == [first]
    assert counts(receipt) == (3, 3, 0, 0)
    assert events.records() == [
        normal_record(record) for record in ({"n": 5}, {"n": "text"}, {"new": True}, {"n": 10}, {"n": 11}, {"n": 20})
    ]
    assert untouched < set(events.state().files)
    assert events.rejects() == []


def test_records_missing_from_a_rewritten_object_are_restored_from_an_overlapping_one(events: EventBench) -> None:
    every = [{"n": n} for n in range(12)]
    events.put_events(0, *every[:10])
    events.put_events(4, *every[4:12])
    assert counts(events.run()) == (18, 12, 6, 0)
    events.put_events(0, *every[:6])
    receipt = events.run()
    assert counts(receipt) == (14, 12, 2, 0)
    assert [row["n"] for row in events.table()] == list(range(12))


def test_after_any_history_of_deliveries_the_table_agrees_with_the_objects(events: EventBench) -> None:
    """Overlapping, late and rewritten objects, day by day, compared with a simple reading of all objects."""
    rng = random.Random(6)
    stream = [[random_event(rng, number) for number in range(150)] for _ in range(2)]
    read = 0
    for step in range(6):
        for _ in range(3):
            partition, start = rng.randrange(2), rng.randrange(0, 140, 7)
            length = rng.randrange(1, 30)
            part = stream[partition][start : start + length]
            events.put_events(
                start,
                *part,
                partition=partition,
                folder=f"hour={start % 2}",
                end=rng.choice([".json", ".json.gz"]),
            )
        events.feed(
            source__day={"from": "field", "field": "ts"},
            source__timestamps={"ts": "epoch_seconds"},
            target__dedupe_days=3,
        )
        receipt = events.run()
        assert receipt["exit_code"] == 0, receipt["error"]
        read += receipt["counts"]["read"]
        assert events.records() == expected_records(events), f"after step {step}"
    assert read > 150
    before = events.records()
    names = events.types()
    assert events.run(verb="rebuild")["exit_code"] == 0
    assert events.records() == before
    assert {name.split("__")[0] for name in events.types()} == {name.split("__")[0] for name in names}


def random_event(rng: random.Random, number: int) -> dict[str, Any]:
    event: dict[str, Any] = {"ts": 1_785_542_400 + 3600 * (number // 2), "n": number}
    if rng.random() < 0.5:
        event["user"] = {
            "id": rng.choice([number, str(number), number + 0.5]),
            "tags": [[], ["x"], [1, "y"], None][rng.randrange(4)],
        }
    if rng.random() < 0.2:
        event[rng.choice(["late", "Late", "user_id", "items"])] = rng.choice([True, 2**70, [{"a": 1}], {}, "n/a"])
    return event


def test_the_result_does_not_depend_on_order_and_boundaries_of_objects(events: EventBench) -> None:
    rng = random.Random(7)
    stream = [random_event(rng, number) for number in range(60)]
    outcomes = []
    for cuts in ([], [1, 2, 30], [10, 20, 30, 40, 50], sorted(rng.sample(range(1, 60), 12))):
        shutil.rmtree(events.lake)
        edges = [0, *cuts, 60]
        for start, end in itertools.pairwise(edges):
            # The folder determines the order of objects.
            events.put_events(start, *stream[start:end], folder=f"{DAY}/hour={rng.randrange(100)}")
        receipt = events.run()
        rows = [{key: value for key, value in row.items() if key not in ("_object", "_line")} for row in events.table()]
        outcomes.append((rows, events.types(), receipt["schema_changes"], receipt["batches"][0].get("set_aside", {})))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert outcomes[0][3]


def test_the_schema_is_logged_and_extended(events: EventBench) -> None:
    events.put_events(0, {"id": 1, "amount": 1.5, "tags": []}, {"id": 2, "amount": "n/a"}, {"id": 3, "amount": 7})
    receipt = events.run()
    assert receipt["schema_changes"] == [
        "added amount double from amount",
        "added id bigint from id",
        "added amount__text string from amount (values that do not fit)",
        "added tags__text string from tags (values that do not fit)",
    ]
    assert receipt["batches"][0]["set_aside"] == {"amount__text": 1, "tags__text": 1}
    events.put_events(10, {"id": 4, "amount": 2, "tags": []})
    receipt = events.run()
    assert (receipt["schema_changes"], len(events.state().schema_versions)) == ([], 1)
    assert receipt["batches"][0]["set_aside"] == {"tags__text": 1}

    # Objects without new attributes are read once; the result is the same as for a single object.
    events.put_events(20, {"id": 5, "tags": []})
    events.put_events(30, {"id": "x", "tags": ["a"], "user": {"Id": 1}, "user_id": 2, "year": "ours"})
    receipt = events.run()
    assert receipt["schema_changes"] == [
        "added tags array<string> from tags",
        "added user_Id bigint from user.Id",
        "added user_id_2 bigint from user_id (the name user_id was already used)",
        "added year_2 string from year (the name year was already used)",
        "added id__text string from id (values that do not fit)",
    ]
    assert [
        (row["id"], row["id__text"], row["amount"], row["amount__text"], row["tags"], row["tags__text"])
        for row in events.table()
    ] == [
        (1, None, 1.5, None, None, "[]"),
        (2, None, None, "n/a", None, None),
        (3, None, 7.0, None, None, None),
        (4, None, 2.0, None, None, "[]"),
        (5, None, None, None, [], None),
        (None, "x", None, None, ["a"], None),
    ]
    names = set(events.types())
    for path, file in events.state().files.items():
        if file.path.rsplit("/", 1)[-1].startswith("000003"):
            assert names <= set(pq.read_schema(events.lake / path).names)

    shown = events.command("schema", "--target", "t")
    assert shown.exit_code == 0
    words = " ".join(shown.stdout.split())
    assert f"9 columns {' '.join(receipt['schema_changes'])}" in words
    (schema,) = events.command("schema", "--target", "t", "--json").data
    assert [(version["version"], version["batch"], version["columns"]) for version in schema["versions"]] == [
        (1, 1, 4),
        (2, 3, 9),
    ]
    assert schema["versions"][1]["changes"] == receipt["schema_changes"]
    assert list(schema["columns"])[:7] == ["_topic", "_partition", "_offset", "_object", "_line", "amount", "id"]


def test_types_change_only_in_a_rebuild(events: EventBench) -> None:
    events.put_events(0, {"n": 1, "flag": True, "when": "2026-08-01T00:00:00Z", "items": [{"a": 1}]})
    events.run()
    events.put_events(
        10,
        *(
            {"n": number, "flag": "no", "when": "2026-08-01T00:00:00Z", "items": [{"a": 1, "b": 2}]}
            for number in (0.5, 2**64, "x")
        ),
    )
    assert counts(events.run()) == (3, 3, 0, 0)
    types = {"flag": "boolean", "items": "array<struct<a:bigint>>", "n": "bigint", "when": "string"}
    texts = dict.fromkeys(["flag__text", "items__text", "n__text"], "string")
    assert events.types() == types | texts
    assert [row["n__text"] for row in events.table()] == [None, "0.5", str(2**64), "x"]
    assert events.table()[1]["items__text"] == '[{"a":1,"b":2}]'

    events.feed(source__timestamps={"when": "iso"})
    receipt = events.run()
    assert receipt["exit_code"] == 2
    assert "column when is string in the table and timestamp(iso) in the feed; run `rebuild`" in receipt["error"]
    before = events.records()
    receipt = events.run(verb="rebuild")
    assert counts(receipt) == (4, 4, 0, 0)
    assert events.types() == {
        "flag": "string",
        "items": "array<struct<a:bigint,b:bigint>>",
        "n": "decimal(38,1)",
        "when": "timestamp",
        "flag__text": "string",
        "n__text": "string",
    }
    assert "changed n decimal(38,1) from n, was bigint" in receipt["schema_changes"]
    assert "dropped items__text" in receipt["schema_changes"]
    assert [record | {"when": None} for record in events.records()] == [record | {"when": None} for record in before]
    (schema,) = events.command("schema", "--json").data
    assert [version["version"] for version in schema["versions"]] == [1, 2, 3]


def test_a_rebuild_keeps_column_names(events: EventBench) -> None:
    events.put_events(0, {"b_c": 1})
    events.run()
    events.put_events(1, {"b": {"c": 2}})
    events.run()
    assert list(events.types()) == ["b_c", "b_c_2"]
    rows = events.table()
    assert events.run(verb="rebuild")["schema_changes"] == []
    assert [row["b_c"] for row in events.table()] == [row["b_c"] for row in rows] == [1, None]
    assert len(events.state().schema_versions) == 2


@pytest.mark.parametrize(
    ("day", "folder", "partition"),
    [
        ({}, "year=2026/month=08/day=01/hour=13", "year=2026/month=08/day=01"),
        ({"path_format": "dt={year}-{month}-{day}/*"}, "dt=2026-08-01/13", "year=2026/month=08/day=01"),
        ({"path_format": "{year}/{month}/{day}/*"}, "2026/08/01/13", "year=2026/month=08/day=01"),
        ({"from": "object"}, "partition=0", "year=2026/month=08/day=01"),
        ({"from": "field", "field": "meta.at"}, "partition=0", "year=1969/month=12/day=31"),
    ],
)
def test_the_day_of_a_row(
    events: EventBench, spark: SparkSession, day: dict[str, str], folder: str, partition: str
) -> None:
    events.feed(
        source__day=day,
        source__day_range={"first": "1969-12-31"},
        source__timestamps={"meta.at": "epoch_millis"},
    )
    events.put_events(0, {"meta": {"at": -1}}, folder=folder)
    assert counts(events.run()) == (1, 1, 0, 0)
    assert [row["_day"] for row in events.table()] == [partition]
    table = spark.read.parquet(str(events.lake / "refined/t"))
    assert table.selectExpr("concat_ws('/', year, month, day)").collect()[0][0] == partition.replace(
        "year=", ""
    ).replace("month=", "").replace("day=", "")


def test_rows_without_a_day_are_rejected_and_objects_refused(events: EventBench) -> None:
    events.put_events(0, {"n": 1}, folder="partition=0")
    events.put_events(10, {"n": 2}, folder="year=2026/month=02/day=30")
    events.put_events(20, {"n": 3})
    receipt = events.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "committed")
    assert sorted(receipt["refused"].values()) == [
        "its path contains no valid day",
        "its path contains no valid day: year=2026/month=02/day=30",
    ]
    assert [row["n"] for row in events.table()] == [3]

    shutil.rmtree(events.lake)
    events.feed(source__day={"from": "field", "field": "at"}, source__timestamps={"at": "iso"})
    at = "2026-08-05T23:00:00-02:00"
    events.put_events(0, {"at": at}, {"n": 1}, {"at": None}, {"at": "soon"}, {"at": 5}, {"at": at})
    receipt = events.run()
    assert (receipt["error"], counts(receipt)) == ("", (6, 2, 0, 4))
    assert [(row["_day"], row["_offset"]) for row in events.table()] == [
        ("year=2026/month=08/day=06", 0),
        ("year=2026/month=08/day=06", 5),
    ]
    assert [(line, reasons) for _, line, reasons, _ in events.rejects()] == [(n, [("day", "at")]) for n in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        pytest.param("epoch_millis", 1_785_542_400, id="seconds-declared-as-milliseconds"),
        pytest.param("epoch_seconds", 1_785_542_400_000, id="milliseconds-declared-as-seconds"),
        pytest.param("epoch_micros", 1_785_542_400_000, id="milliseconds-declared-as-microseconds"),
        pytest.param("epoch_seconds", 2**63 - 1, id="largest-integer"),
        pytest.param("epoch_seconds", -(2**63), id="smallest-integer"),
        pytest.param("epoch_millis", 2**70, id="beyond-64-bits"),
        pytest.param("epoch_seconds", 253_402_300_800, id="year-10000"),
        pytest.param("epoch_seconds", -62_135_596_801, id="before-year-1"),
        pytest.param("epoch_nanos", 1e300, id="huge-double"),
        pytest.param("epoch_seconds", 0, id="zero"),
        pytest.param("epoch_seconds", 631_151_999.5, id="half-a-second-before-1990"),
        pytest.param("iso", "0000-00-00T00:00:00Z", id="invalid-date"),
        pytest.param("iso", "1970-01-01T00:00:00Z", id="1970"),
        pytest.param("iso", "9999-12-31T23:59:59-14:00", id="beyond-year-9999"),
    ],
)
def test_rows_of_days_out_of_range_are_rejected(events: EventBench, kind: str, at: Any) -> None:
    units = {"epoch_seconds": 1, "epoch_millis": 1000, "epoch_micros": 10**6, "epoch_nanos": 10**9}
    good = 1_785_888_000 * units[kind] if kind in units else "2026-08-05T12:00:00Z"
    events.feed(source__day={"from": "field", "field": "at"}, source__timestamps={"at": kind})
    events.put_events(0, {"at": good}, {"at": at, "only_here": 1}, {"at": good})
    receipt = events.run()
    assert (receipt["exit_code"], counts(receipt)) == (0, (3, 2, 0, 1))
    assert receipt["rules"] == {"at: day": 1}
    assert [(line, reasons) for _, line, reasons, _ in events.rejects()] == [(2, [("day", "at")])]
    assert list(events.types()) == ["at"]


def test_day_range_also_applies_to_days_by_folder_and_object(events: EventBench) -> None:
    outside = {"year=1989/month=12/day=31": 0, "year=2031/month=1/day=1": 10, "year=1970/month=01/day=21": 20}
    for folder, start in outside.items():
        events.put_events(start, {"n": start}, "dirty", folder=folder)
    events.put_events(30, {"n": 30}, folder="year=1990/month=01/day=01")
    receipt = events.run()
    assert (counts(receipt), receipt["rules"]) == ((7, 1, 0, 6), {"day": 3, "json": 3})
    assert [row["n"] for row in events.table()] == [30]
    assert {tuple(reasons) for _, _, reasons, text in events.rejects() if text != "dirty"} == {(("day", None),)}

    events.feed(source__day_range={"first": "1970-01-21", "last": "1989-12-31"})
    assert counts(events.run(verb="rebuild")) == (7, 2, 0, 5)
    assert [row["n"] for row in events.table()] == [0, 20]

    shutil.rmtree(events.lake)
    events.feed(source__day={"from": "object"})
    today = int(datetime.now(UTC).timestamp())
    for number, time in enumerate((0, today, today + 86_400, today + 2 * 86_400)):
        events.clock = time - 60
        events.put_events(number, {"n": number})
    assert counts(events.run()) == (4, 2, 0, 2)
    assert [row["n"] for row in events.table()] == [1, 2]


@pytest.mark.slow
def test_a_day_is_rebuilt_from_its_objects(on_both: EventBench) -> None:
    source = {
        "source__day": {"from": "field", "field": "at"},
        "source__day_range": {"first": "1970-01-01"},
        "source__timestamps": {"at": "epoch_seconds"},
    }
    on_both.feed(**source)
    two_days = on_both.put_events(0, {"at": 0, "n": 0}, {"at": 86400, "n": 1})
    other = on_both.put_events(10, {"at": 86400, "n": 10})
    third_day = on_both.put_events(20, {"at": 2 * 86400, "n": 20})
    on_both.run()
    before, table = set(on_both.state().files), on_both.table()
    receipt = on_both.run("--date", "1970-01-01", verb="rebuild")
    assert [each["path"] for each in receipt["batches"][0]["inputs"]] == [two_days]
    assert counts(receipt) == (2, 2, 0, 0)
    assert on_both.table() == table
    assert {file.objects[0] for path, file in on_both.state().files.items() if path in before} == {third_day}
    receipt = on_both.run("--date", "1970-01-02", verb="rebuild")
    assert [each["path"] for each in receipt["batches"][0]["inputs"]] == [two_days, other]
    assert on_both.table() == table

    assert "omit --date and --partition" in on_both.run("--date", "1970-01-01")["error"]
    assert "no events of year=1980" in on_both.run("--date", "1980-01-01", verb="rebuild")["error"]
    (on_both.lake / other).unlink()
    receipt = on_both.run("--date", "1970-01-02", verb="rebuild")
    assert (receipt["exit_code"], other in receipt["error"]) == (3, True)
    assert on_both.run(verb="rebuild")["exit_code"] == 3
    assert on_both.run()["status"] == "nothing_new"
    assert on_both.table() == table
    on_both.feed(**source, target__on_missing_source="rebuild")
    assert on_both.run(verb="rebuild")["exit_code"] == 0
    assert [row["n"] for row in on_both.table()] == [0, 1, 20]


def test_many_small_objects_become_few_sorted_files(events: EventBench) -> None:
    for number in range(40):
        events.put_events(number, {"n": number, "k": 40 - number})
    events.feed(target__sort_by=["k"])
    plan = events.command("plan", "--json").data[0]
    assert (len(plan["objects"]), plan["partitions"]) == (40, [DAY])
    receipt = events.run()
    (path,) = receipt["batches"][0]["outputs"]
    assert pq.read_table(events.lake / path)["k"].to_pylist() == list(range(1, 41))
    assert pq.read_metadata(events.lake / path).row_group(0).column(0).compression == "SNAPPY"

    events.put_events(100, {"n": [1], "k": 1})
    events.feed(target__sort_by=["n"])
    assert events.run()["exit_code"] == 0  # n is a number; other values are in n__text
    events.feed(target__sort_by=["tags"])
    events.put_events(101, {"tags": ["a"]})
    receipt = events.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "refused")
    assert "rows cannot be sorted by tags, a column of arrays" in receipt["error"]
    events.feed()
    assert events.run()["exit_code"] == 0


def test_more_than_3000_attributes_are_refused_with_the_key(events: EventBench) -> None:
    events.put_events(0, {"by_user": {f"user {number}": number for number in range(3200)}})
    receipt = events.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "refused")
    assert "3200 attributes, more than 3000; 3200 of them are below 'by_user'" in receipt["error"]
    (events.lake / f"raw/topics/t/{DAY}/t+0+0000000000.json.gz").unlink()
    events.put_events(0, {"n": 1})
    assert events.run()["exit_code"] == 0


def test_sixty_levels_are_readable_by_spark(events: EventBench, spark: SparkSession) -> None:
    deep: Any = 1
    arrays: Any = 1
    for _ in range(60):
        deep = {"k": deep}
    for _ in range(30):
        arrays = [{"k": arrays}]
    events.put_events(0, {"deep": deep, "arrays": arrays})
    events.run()
    assert events.records() == [normal_record({"deep": deep, "arrays": arrays})]
    row = spark.read.parquet(str(events.lake / "refined/t")).first()
    assert row is not None
    assert row["deep" + "_k" * 60] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source__delimeter": "-"}, "unknown key source.delimeter; did you mean 'delimiter'?"),
        ({"source__day": {"from": "field"}}, "source.day: field is required with from: field"),
        ({"source__day": {"from": "field", "field": "ts"}}, "ts must be in source.timestamps"),
        ({"source__day": {"from": "path", "path_format": "{year}"}}, "'{year}' has no {month}"),
        (
            {"source__day": {"from": "object", "path_format": "{year}{month}{day}"}},
            "path_format is allowed only with from: path",
        ),
        ({"source__timestamps": {"ts": "millis"}}, "source.timestamps.ts"),
        ({"source__timestamps": {"a..b": "iso"}}, "'a..b' has an empty name"),
        (
            {"source__day_range": {"first": "2026-08-02", "last": "2026-08-01"}},
            "last: 2026-08-01 is before first: 2026-08-02",
        ),
        ({"source__day_range": {"first": "soon"}}, "first: must be a date such as 1990-01-31, not 'soon'"),
        ({"source__day_range": {"last": 20300101}}, "last: must be a date such as 1990-01-31, not 20300101"),
        ({"source__day_range": {"from": "2026-08-02"}}, "unknown key source.day_range.from"),
        ({"source__on_offset_conflict": "drop"}, "source.on_offset_conflict: input should be 'keep' or 'refuse'"),
        ({"target__separator": "."}, "'.' cannot be part of a column's name"),
        ({"target__path": "raw/"}, " overlap"),
        ({"target__path": "state/x"}, "a target must be a separate folder in the lake"),
    ],
)
def test_invalid_feeds_are_refused(events: EventBench, changes: dict[str, Any], message: str) -> None:
    events.feed(**changes)
    answer = events.command("plan")
    assert answer.exit_code == 2
    assert message in answer.stderr
