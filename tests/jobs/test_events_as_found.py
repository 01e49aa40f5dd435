"""Events in envelopes, framings and under names of other sinks, through the command line."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakewright.kafka import batches as event_batches
from lakewright.kafka import rewrites, settling
from lakewright.storage.lake import Lake
from tests.jobs.event_bench import DAY, EventBench
from tests.workers import InProcessWorkers, use_workers


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventBench]:
    (tmp_path / "lake").mkdir()
    without_spark: Any = None
    bench = EventBench(tmp_path, without_spark)
    yield bench
    assert bench.strays() == []


def connect(payload: Any) -> str:
    return json.dumps({"schema": {"type": "struct"}, "payload": payload})


def rows(events: EventBench, *names: str, table: str = "t") -> list[tuple[Any, ...]]:
    return [tuple(row.get(name) for name in names) for row in events.table(table)]


def test_tombstones_are_counted_and_take_an_offset(events: EventBench) -> None:
    events.feed(source__unwrap="connect")
    events.put_events(100, connect({"n": 1}), "null", connect(None), connect({"n": 2}), connect([]))
    receipt = events.run()
    assert receipt["skipped"] == {"tombstone": 2}
    assert receipt["counts"] == {
        **dict.fromkeys(receipt["counts"], 0),
        "read": 5,
        "written": 2,
        "rejected": 1,
        "skipped": 2,
    }
    assert rows(events, "_offset", "_line", "n") == [(100, 1, 1), (103, 4, 2)]
    assert events.rejects()[0][1:] == (5, [("envelope", None)], connect([]))
    path = f"raw/topics/t/{DAY}/t+0+0000000100.json.gz"
    assert receipt["first_rejected"] == {"envelope": f"{path}, line 5: payload is an array"}
    assert events.run()["status"] == "nothing_new"


def test_an_object_with_nothing_but_tombstones_has_no_rows(events: EventBench) -> None:
    events.feed(source__unwrap="debezium")
    events.put_events(0, "null", "null")
    receipt = events.run()
    assert (receipt["status"], receipt["skipped"], events.table()) == ("committed", {"tombstone": 2}, [])


def test_a_day_and_an_offset_can_come_from_the_envelope(events: EventBench) -> None:
    events.feed(
        source__unwrap="debezium",
        source__day={"from": "field", "field": "__source.ts_ms"},
        source__timestamps={"__source.ts_ms": "epoch_millis"},
        source__record={"offset": "__source.lsn"},
    )
    change = {"after": {"id": 1}, "op": "c", "source": {"lsn": 7, "ts_ms": 1_785_628_800_000}}
    events.put_events(0, change, change)
    receipt = events.run()
    assert (receipt["counts"]["written"], receipt["counts"]["superseded"]) == (1, 1)
    assert rows(events, "_day", "_offset", "id") == [("year=2026/month=08/day=02", 7, 1)]


def test_messages_of_the_debezium_tutorial_are_rows_with_metadata(events: EventBench) -> None:
    """As Confluent's sink writes them with the JsonConverter and schemas."""
    fields = [{"type": "int32", "optional": False, "field": "id"}, {"type": "string", "field": "first_name"}]
    schema = {
        "type": "struct",
        "fields": [{"type": "struct", "fields": fields, "field": name} for name in ("before", "after")],
        "optional": False,
        "name": "dbserver1.inventory.customers.Envelope",
    }
    source = {
        "version": "1.4.2.Final", "connector": "mysql", "name": "dbserver1", "ts_ms": 1615928467000,
        "snapshot": "false", "db": "inventory", "table": "customers", "server_id": 223344, "gtid": None,
        "file": "mysql-bin.000003", "pos": 4015, "row": 0, "thread": 36, "query": None,
    }  # fmt: skip
    smart, smarter = ({"id": 1016, "first_name": name, "price": "AxY="} for name in ("Smart", "Smarter"))
    changes = [
        {"before": None, "after": smart, "source": source, "op": "c", "ts_ms": 1615928467236, "transaction": None},
        {"before": smart, "after": smarter, "source": source | {"pos": 4401}, "op": "u", "ts_ms": 1615928501308},
        {"before": smarter, "after": None, "source": source | {"pos": 4805}, "op": "d", "ts_ms": 1615928994823},
    ]
    events.feed(
        source__unwrap=["connect", "debezium"],
        source__types={"price": "base64_decimal(2)"},
        source__timestamps={"__source.ts_ms": "epoch_millis"},
    )
    lines = [json.dumps({"schema": schema, "payload": change}, separators=(",", ":")) for change in changes]
    events.put_events(0, *lines, "null", topic="dbserver1.inventory.customers")
    (receipt,) = events.command("run", "--json").data
    assert (receipt["counts"]["written"], receipt["skipped"]) == (3, {"tombstone": 1})
    names = ("__op", "__source_file", "__source_pos", "id", "first_name", "price")
    assert rows(events, *names, table="dbserver1_inventory_customers") == [
        ("c", "mysql-bin.000003", 4015, 1016, "Smart", Decimal("7.90")),
        ("u", "mysql-bin.000003", 4401, 1016, "Smarter", Decimal("7.90")),
        ("d", "mysql-bin.000003", 4805, 1016, "Smarter", Decimal("7.90")),
    ]
    types = events.types("dbserver1_inventory_customers")
    assert (types["__source_ts_ms"], types["price"], types["__ts_ms"]) == ("timestamp", "decimal(38,2)", "bigint")


@pytest.mark.parametrize(
    ("timestamps", "types", "value"),
    [
        pytest.param({"at": "iso"}, {}, "2026-08-02T00:00:00.000000001Z", id="nanoseconds"),
        pytest.param({}, {"at": "epoch_days"}, 20_667, id="epoch-days"),
    ],
)
def test_a_day_comes_from_times_with_nanoseconds_and_from_dates(
    events: EventBench, timestamps: dict[str, str], types: dict[str, str], value: Any
) -> None:
    events.feed(source__day={"from": "field", "field": "at"}, source__timestamps=timestamps, source__types=types)
    events.put_events(0, {"at": value})
    events.run()
    assert rows(events, "_day") == [("year=2026/month=08/day=02",)]


@pytest.mark.parametrize("end", [".json", ".json.gz"])
@pytest.mark.parametrize(
    ("records", "text"),
    [
        pytest.param("array", '[{"n": 1},\n {"n": 2,}, {\n "n": 3}]\n', id="array"),
        pytest.param("concatenated", '{"n": 1}\n {"n": 2,}{\n "n": 3}', id="concatenated"),
    ],
)
def test_framed_records_are_numbered_and_rejected_one_by_one(
    events: EventBench, records: str, text: str, end: str
) -> None:
    events.feed(source__records=records)
    events.put_events(100, text.removesuffix("\n"), end=end)
    assert events.run()["counts"]["rejected"] == 1
    assert rows(events, "_offset", "_line", "n") == [(100, 1, 1), (102, 3, 3)]
    assert events.rejects()[0][1:] == (2, [("json", None)], '{"n": 2,}')


def test_the_screen_shows_the_first_record_that_breaks_each_rule(events: EventBench) -> None:
    events.feed()
    events.put_events(10, "[1]", '{"canary": canary}', end=".json")
    path = events.put_events(0, "{}", "null", "{} {}", '{"a": 1, "a": 2}', end=".json")
    shown = " ".join(events.command("run").stdout.split())
    assert f"record (2), first {path}, line 2: null" in shown
    assert f"json (2), first {path}, line 3: two records on a line" in shown
    assert f"doubled_key (1), first {path}, line 4 " in shown
    assert "canary" not in shown


def test_a_truncated_framed_object_is_refused_by_name(events: EventBench) -> None:
    events.feed(source__records="array")
    path = events.put_events(0, '[{"n": 1},\n{"n": 2}', end=".json")
    good = events.put_events(10, '[{"n": 3}]')
    answer = events.command("run", "--json")
    (receipt,) = answer.data
    assert answer.exit_code == 3
    assert f"{path}: line 3, column 1: the object ends where a comma or the array's end was expected" in answer.stderr
    assert rows(events, "_object", "n") == [(good, 3)]
    assert receipt["counts"]["written"] == 1


def test_names_of_other_sinks_are_read_by_a_pattern(events: EventBench) -> None:
    events.feed(source__object_name="{topic}-{partition}-{offset}.gz", source__day={"from": "object"})
    events.put_object("a.b-2-00000000000000000007.gz", b'{"n": 1}\n{"n": 2}\n')
    events.put_object("c-0-0.gz", b'{"n": 3}\n')
    events.put_object("notes.txt", b"?")
    answer = events.command("run", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert answer.data[0]["ignored"] == {"raw/topics/notes.txt": "its name is not {topic}-{partition}-{offset}.gz"}
    assert rows(events, "_topic", "_partition", "_offset", table="a_b") == [("a.b", 2, 7), ("a.b", 2, 8)]
    assert rows(events, "_topic", "n", table="c") == [("c", 3)]
    events.put_object("a.b-2-00000000000000000008.gz", b'{"n": 2}\n{"n": 4}\n')
    events.feed(
        source__object_name="{topic}-{partition}-{offset}.gz", source__day={"from": "object"}, source__topics=["a.*"]
    )
    (receipt,) = events.command("run", "--json").data
    assert (receipt["counts"]["written"], receipt["counts"]["superseded"]) == (1, 1)


def test_a_name_with_the_last_offset_gives_all_offsets(events: EventBench) -> None:
    name = "{topic}/{partition}/{last_offset}_*.json"
    events.feed(source__object_name=name, source__day={"from": "object"})
    events.put_object("t/0/000000000102_1_2.json", b'{"n": 0}\n\n{"n": \n{"n": 2}\n')
    events.put_object("t/0/000000000104_2_3.json", b'{"n": 2}\n{"n": 2}\n')
    receipt = events.run()
    assert (receipt["counts"]["written"], receipt["counts"]["superseded"]) == (4, 0)
    assert rows(events, "_offset", "n") == [(100, 0), (102, 2), (103, 2), (104, 2)]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        pytest.param("{topic}/{partition}/{offset}.json", ["t/0/0.json", "t/1/0.json"], id="partition-in-a-folder"),
        pytest.param("{topic}/{offset}/{partition}.json", ["t/0/3.json", "t/9/3.json"], id="offset-in-a-folder"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_equal_objects_are_copies_only_if_partition_and_offset_are_equal_too(
    events: EventBench, pattern: str, paths: list[str], at_once: bool
) -> None:
    events.feed(source__object_name=f"*/{pattern}", source__day={"from": "object"})
    for path in ("a/" + paths[0], "a/" + paths[1], "b/" + paths[0]):
        events.put_object(path, b'{"heartbeat": true}\n')
        if not at_once:
            assert events.run()["exit_code"] == 0
    events.run()
    assert len(rows(events, "_object")) == 2
    superseded = {path for path, source in events.state().objects.items() if source.notes}
    assert superseded == {f"raw/topics/b/{paths[0]}"}


def test_an_object_with_more_records_than_its_last_offset_allows_is_refused(events: EventBench) -> None:
    events.feed(source__object_name="{topic}/{partition}/{last_offset}.json", source__day={"from": "object"})
    events.put_object("t/0/1.json", b'{"n": 0}\n{"n": 1}\n')
    events.put_object("t/1/1.json", b'{"n": 0}\n{"n": 1}\n{"n": 2}\n')
    receipt = events.run()
    assert (receipt["exit_code"], receipt["refused"]) == (
        3, {"raw/topics/t/1/1.json": "its name has last offset 1, but it has 3 records; none of its rows were read"}
    )  # fmt: skip
    assert rows(events, "_partition", "_offset") == [(0, 0), (0, 1)]


def test_an_object_whose_offsets_would_be_too_large_is_refused(events: EventBench) -> None:
    events.feed()
    events.put_events(2**63 - 2, {"n": 1}, {"n": 2})
    events.put_events(2**63 - 2, {"n": 1}, {"n": 2}, {"n": 3}, partition=1)
    receipt = events.run()
    assert receipt["exit_code"] == 3
    assert list(receipt["refused"].values()) == [
        "its records would have offsets above 9223372036854775807; none of its rows were read"
    ]
    assert rows(events, "_partition", "n") == [(0, 1), (0, 2)]


def test_a_path_format_applies_to_the_folders_of_a_pattern(events: EventBench) -> None:
    events.feed(
        source__object_name="{topic}/*/{partition}-{offset}.json",
        source__day={"from": "path", "path_format": "*/{year}/{month}/{day}"},
    )
    events.put_object("t/2026/08/02/0-5.json", b'{"n": 1}\n')
    events.run()
    assert rows(events, "_day", "_offset") == [("year=2026/month=08/day=02", 5)]


def test_one_record_of_a_key_is_kept_of_each_day(events: EventBench) -> None:
    """The one published first, and among those of a batch the one with the lowest offset."""
    events.feed(source__dedupe="key(id)")
    events.put_events(10, {"id": 1, "try": 2}, {"id": 2, "try": 1}, {"try": 9})
    events.put_events(0, {"id": 1, "try": 1}, {"id": None, "try": 8}, partition=1)
    assert events.run()["counts"]["superseded"] == 1
    assert rows(events, "id", "try") == [(2, 1), (None, 9), (1, 1), (None, 8)]
    events.put_events(5, {"id": 2, "try": 0}, {"id": 3, "try": 1})
    events.put_events(7, {"id": 2, "try": 3}, folder="year=2026/month=08/day=02")
    receipt = events.run()
    assert (receipt["counts"]["written"], receipt["counts"]["superseded"], receipt["warnings"]) == (2, 1, [])
    kept = {(DAY, 2, 1), (DAY, 3, 1), ("year=2026/month=08/day=02", 2, 3)}
    assert {row for row in rows(events, "_day", "id", "try") if row[1] in (2, 3)} == kept


def test_records_of_a_key_return_when_the_object_with_their_key_is_written_again(events: EventBench) -> None:
    events.feed(source__dedupe="key(id)")
    events.put_events(0, {"id": 1, "from": "a"}, {"id": 2, "from": "a"})
    events.run()
    events.put_events(10, {"id": 1, "from": "b"}, {"id": 3, "from": "b"})
    events.run()
    assert rows(events, "id", "from") == [(1, "a"), (2, "a"), (3, "b")]
    events.put_events(0, {"id": 2, "from": "a"})
    receipt = events.run()
    assert (receipt["counts"]["read"], receipt["counts"]["superseded"]) == (3, 0)
    assert rows(events, "id", "from") == [(2, "a"), (1, "b"), (3, "b")]
    events.run(verb="rebuild")
    assert rows(events, "id", "from") == [(2, "a"), (1, "b"), (3, "b")]


def test_reads_for_a_key_grow_with_the_number_of_files(events: EventBench, monkeypatch: pytest.MonkeyPatch) -> None:
    use_workers(monkeypatch, InProcessWorkers(100))
    monkeypatch.setattr(event_batches, "_SMALL_TASK_BYTES", 1)  # a file per object
    reads: list[str] = []
    read_file = rewrites.read_file

    def counted(lake: Lake, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        reads.append(path)
        return read_file(lake, path, columns)

    monkeypatch.setattr(rewrites, "read_file", counted)
    events.feed(source__dedupe="key(id)")
    counts = []
    for files in (5, 20):
        for number in range(files):
            events.put_events(1000 * files + number, {"id": number}, folder=f"year=2026/month=08/day={files:02}")
        reads.clear()
        assert events.run()["counts"]["written"] == files
        counts.append(len(reads))
    assert counts == [2 * 5, 2 * 20]
    for rows_at_once in (1, 3, 7):
        monkeypatch.setattr(settling, "_KEYS_AT_ONCE", rows_at_once)
        for number in range(8):
            event = {"id": number // 2 % 3, "n": number}
            events.put_events(5000 + 10 * number, event, {"x": 1}, folder=f"year=2026/month=09/day={rows_at_once:02}")
        events.run()
    assert sorted(row for row in rows(events, "_offset", "id", "n", "_day") if row[2] is not None) == [
        (offset, number, n, f"year=2026/month=09/day={day:02}")
        for offset, number, n in ((5000, 0, 0), (5020, 1, 2), (5040, 2, 4))
        for day in (1, 3, 7)
    ]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        pytest.param("user", "it is an object; name attributes of it", id="object"),
        pytest.param("event_id", "no record has it", id="unknown"),
    ],
)
def test_a_key_that_is_no_attribute_of_any_record_is_warned_of(events: EventBench, key: str, why: str) -> None:
    events.feed(source__dedupe=f"key(n, {key})")
    events.put_events(0, {"n": 1, "user": {"id": 1}}, {"n": 1, "user": {"id": 1}})
    receipt = events.run()
    assert (receipt["counts"]["written"], receipt["counts"]["superseded"]) == (2, 0)
    assert receipt["warnings"] == [f"source.dedupe: nothing is deduplicated by {key}: {why}"]


def test_a_record_that_only_an_object_that_is_gone_still_had_is_lost_with_a_warning(events: EventBench) -> None:
    events.feed()
    first = events.put_events(0, {"n": 0}, {"n": 1})
    copy = events.put_events(1, {"n": 1}, {"n": 2})
    assert events.run()["counts"]["superseded"] == 1
    (events.lake / copy).unlink()
    events.put_events(100, {"n": 100})
    assert events.run()["warnings"] == []
    events.put_events(0, {"n": 0})
    receipt = events.run()
    assert receipt["warnings"] == [
        f"{copy} is gone: records that {first} or others shared with it, and no longer have, are lost"
    ]
    assert rows(events, "n") == [(0,), (2,), (100,)]


def test_a_key_of_values_without_a_fitting_type_is_compared_as_text(events: EventBench) -> None:
    events.feed(source__dedupe="key(id, kind)")
    events.put_events(0, {"id": 1, "kind": "x"}, {"id": 1, "kind": "y"}, {"id": 2, "kind": "x"})
    events.run()
    events.put_events(10, {"id": "1", "kind": "x"}, {"id": "n/a", "kind": "x"}, {"id": 1, "kind": "x"})
    events.put_events(20, {"id": "n/a", "kind": "x"})
    receipt = events.run()
    assert (receipt["counts"]["written"], receipt["counts"]["superseded"]) == (2, 2)
    assert rows(events, "_offset", "id", "id__text") == [
        (0, 1, None), (1, 1, None), (2, 2, None), (10, None, '"1"'), (11, None, "n/a"),
    ]  # fmt: skip


def test_without_deduplication_every_record_is_a_row(events: EventBench) -> None:
    events.feed(source__dedupe="off")
    events.put_events(0, {"n": 1}, {"n": 2})
    events.put_events(0, {"n": 1}, {"n": 2}, folder="year=2026/month=08/day=02")
    events.put_events(1, {"n": 2})
    events.run()
    events.put_events(0, {"n": 1}, {"n": 2}, end=".json")
    assert events.run()["counts"]["superseded"] == 0
    assert [n for (n,) in rows(events, "n")] == [1, 1, 1, 2, 2, 2, 2]


def test_a_declared_type_cannot_change_without_a_rebuild(events: EventBench) -> None:
    events.feed(source__types={"at": "epoch_days"})
    events.put_events(0, {"at": 20_667})
    events.run()
    assert events.types() == {"at": "date"}
    events.feed()
    answer = events.command("run", "--json")
    assert answer.exit_code == 2
    assert "column at is epoch_days in the table and not declared in the feed; run `rebuild`" in answer.stderr
    assert events.command("rebuild", "--json").exit_code == 0
    assert events.types() == {"at": "bigint"}


def test_map_columns_of_later_batches_and_misfits(events: EventBench) -> None:
    events.feed(source__json_columns={"tags": "map"})
    events.put_events(0, {"tags": {"a": 1}})
    events.run()
    assert events.types() == {"tags": "map<string,string>"}
    events.put_events(10, {"tags": "n/a"}, {"tags": {"b": {"c": [True]}}}, {"tags": {}})
    events.run()
    assert rows(events, "tags", "tags__text") == [
        ([("a", "1")], None),
        (None, "n/a"),
        ([("b", '{"c": [true]}')], None),
        ([], None),
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(
            {"unwrap": ["debezium", "connect"]}, "unwrap: use connect, debezium, or [connect, debezium]", id="order"
        ),
        pytest.param({"types": {"a": "decimal(2)"}}, "unknown type decimal(2)", id="unknown-type"),
        pytest.param({"types": {"a": "base64_decimal(39)"}}, "unknown type base64_decimal(39)", id="scale-of-39"),
        pytest.param(
            {"types": {"a": "epoch_days"}, "timestamps": {"a": "iso"}}, "a is declared twice", id="declared-twice"
        ),
        pytest.param({"object_name": "{topic}/{offset}.json"}, "has no {partition}", id="no-partition"),
        pytest.param({"object_name": "{topic}/{partition}.json"}, "needs either {offset}", id="no-offset"),
        pytest.param({"object_name": "{topic}{key}"}, "unknown placeholder {key}", id="unknown-placeholder"),
        pytest.param(
            {"object_name": "{topic}{partition}-{offset}.json"}, "{topic}{partition}: where one ends", id="adjacent"
        ),
        pytest.param(
            {"json_columns": {"a": "text", "a.b": "map"}}, "a.b is not an attribute of its own", id="kept-within-kept"
        ),
        pytest.param(
            {"json_columns": {"a": "map"}, "timestamps": {"a.at": "iso"}}, "a.at is not an", id="time-within-kept"
        ),
        pytest.param(
            {"types": {"a": "variable_scale_decimal(2)"}, "record": {"offset": "a.scale"}},
            "a.scale is not an attribute of its own: a is kept as one column",
            id="offset-within-kept",
        ),
        pytest.param({"json_columns": {"a": "text"}, "parse_json": ["a.b"]}, "a.b is not an", id="parsed-within-kept"),
        pytest.param({"json_columns": {"a": "text"}, "dedupe": "key(n, a.b)"}, "a.b is not an", id="key-within-kept"),
        pytest.param({"dedupe": "key()"}, "must be offsets, off, or key(…)", id="no-key"),
        pytest.param({"dedupe": "key(a,)"}, "has an empty name", id="empty-attribute"),
        pytest.param({"endings": [".csv"]}, "should be '.json'", id="unknown-ending"),
        pytest.param({"json_columns": {"a": "struct"}}, "should be 'text' or 'map'", id="unknown-json-column"),
    ],
)
def test_feeds_with_contradictions_are_refused(events: EventBench, source: dict[str, Any], message: str) -> None:
    events.feed(**{f"source__{key}": value for key, value in source.items()})
    events.put_events(0, {"n": 1}, folder=DAY)
    answer = events.command("run")
    assert answer.exit_code == 2
    assert message in answer.stderr
