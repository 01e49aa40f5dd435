"""Blocks of lines from several objects give the same rows and reports as objects that are read one by one."""

import gzip
import json
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.errors import ObjectRefusedError
from lakewright.kafka import files, sink
from lakewright.kafka.batches import EventBatch, read_events
from lakewright.kafka.blocks import lines as block_lines
from lakewright.kafka.files import FlattenTask, flatten_objects
from lakewright.kafka.rules import DayRange, EventRules
from lakewright.kafka.settling import settle
from lakewright.kafka.sink import EventObject
from lakewright.parquet.place import TablePlace
from lakewright.quality.expectation import Expectation
from lakewright.quality.row_rules import RowRules
from lakewright.quarantine.place import QuarantinePlace
from lakewright.storage.uris import open_lake
from tests.workers import InProcessWorkers
from transforms.errors import DataError
from transforms.events.schema import EventColumn, EventSchema
from transforms.events.sink_names import SinkName

KNOWN = EventSchema(
    [
        EventColumn(("n",), "n", "bigint"),
        EventColumn(("n",), "n__text", "string", is_text=True),
        EventColumn(("tags",), "tags__text", "string", is_text=True),
    ]
)
LINES = [
    *(b'{"n": 1}', b'{"n": 2, "ts": 86400}', b'{"ts": 0, "offset": 3, "n": 4}', b'{"offset": 3, "ts": 0}', b""),
    *(b"  ", b'{"n": "x", "ts": 86400}', b'{"tags": [], "ts": 0}', b'{"tags": [1], "ts": 0}', b"[]", b"{", b'"\xff"'),
    *(b'{"new": "y", "ts": 172800}', b'{"n": -1, "ts": 86400}', b'{"n": 1, "n": 2}', b'{"ts": 9e9}', b"{}"),
]


class Text(NamedTuple):
    """An object: its lines, the lines that corrections replace, and what is wrong with it."""

    lines: list[bytes]
    superseded: frozenset[int] = frozenset()
    damage: str = ""


TEXTS = st.builds(
    Text,
    st.lists(st.sampled_from(LINES), max_size=6),
    st.frozensets(st.integers(1, 4), max_size=1),
    st.sampled_from(["", "", "", "", "", "", "", "no line end", "cut off"]),
)


@contextmanager
def block_sizes(size: int, lines: int, text_bytes: int = 256 << 10) -> Iterator[None]:
    with (
        patch.object(block_lines, "_BLOCK_BYTES", size),
        patch.object(block_lines, "_BLOCK_LINES", lines),
        patch.object(sink, "_TEXT_BYTES", text_bytes),
    ):
        yield


def outcome(texts: Sequence[Text], known: EventSchema, *, day_in_event: bool, has_rules: bool) -> Any:
    """Read and settle objects; return all that users see: the schema, counts, rows and rejected lines."""
    with TemporaryDirectory() as folder:
        lake = open_lake(folder)
        objects = []
        for number, text in enumerate(texts):
            body = b"".join(line + b"\n" for line in text.lines)
            body = {"": body, "no line end": body[:-1], "cut off": gzip.compress(body)[:-3]}[text.damage]
            path, name = f"raw/t/{number % 2}/t+0+{number}.json", SinkName("t", "", 0, 3 * number)
            lake.create(path, body)
            day = "" if day_in_event else f"year=1970/month=01/day=0{number % 3 + 1}"
            objects.append(EventObject(path, len(body), name, day, "", superseded=text.superseded))
        timestamps, path_of_day = {("ts",): "epoch_seconds"}, ("ts",) if day_in_event else None
        rule = Expectation("expect_column_values_to_be_between", {"column": "n", "min_value": 0}, "reject_rows")
        batch = EventBatch(
            source_uri=lake.uri,
            lake_uri=lake.uri,
            objects=objects,
            rules=EventRules(timestamps, day=path_of_day, offset=("offset",)),
            separator="_",
            reserved=(),
            known=known,
            former=EventSchema(),
            existing=[],
            retaken=frozenset(),
            dedupe_days=1,
            table=TablePlace("staging/", "table/", "1-"),
            quarantine=QuarantinePlace("staging/", "quarantine/", "run", "2026-08-01"),
            days=DayRange(date(1970, 1, 1), date(1970, 1, 2)),
            row_rules=RowRules((rule,) if has_rules else ()),
        )
        workers = InProcessWorkers(1)
        try:
            read = read_events(workers, batch, {})
        except ObjectRefusedError as error:
            return error.reasons
        settled = settle(workers, batch, read)
        passes = [sorted(each.path for task in tasks for each in task.objects) for tasks in workers.done[:2]]
        rows = [
            {"day": file.partition} | row
            for file in settled.files
            for row in pq.read_table(Path(folder) / file.staged, partitioning=None).to_pylist()
        ]
        reports = {
            path: {
                "counts": (report.read, report.corrected, report.superseded, report.conflicts),
                "rules": (report.rejected, report.set_aside),
                "quarantine": [(file.rows, file.objects, file.rules) for file in report.quarantine],
            }
            for path, report in settled.reports.items()
        }
        quarantine = [
            {name: value for name, value in row.items() if name != "run"}
            for report in settled.reports.values()
            for file in report.quarantine
            for row in pq.read_table(Path(folder) / file.staged, partitioning=None).to_pylist()
        ]
        carried = [
            str(sorted((name, str(value)) for name, value in row.items() if name not in ("day", "_object", "_line")))
            for row in rows
            if row.get("offset") == row["_offset"]
        ]
        assert len(carried) == len(set(carried))
        rows.sort(key=lambda row: (row["_object"], row["_line"]))
        quarantine.sort(key=lambda row: (row["object"], row["position"]))
        return passes, settled.schema.columns, reports, rows, quarantine


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(TEXTS, max_size=5),
    known=st.sampled_from([KNOWN, EventSchema()]),
    day_in_event=st.booleans(),
    has_rules=st.booleans(),
    size=st.sampled_from([(1, 1, 1), (1, 1, 256 << 10), (40, 3, 16)]),
)
def test_gathered_objects_are_read_as_single_ones(
    texts: list[Text], known: EventSchema, size: tuple[int, int, int], *, day_in_event: bool, has_rules: bool
) -> None:
    with block_sizes(*size):
        expected = outcome(texts, known, day_in_event=day_in_event, has_rules=has_rules)
    assert outcome(texts, known, day_in_event=day_in_event, has_rules=has_rules) == expected


def flatten_wide(folder: Path, objects: int, attributes: int, *, distinct: bool = False) -> tuple[int, int]:
    """Flatten objects of one line without known columns; return the bytes of the report and the number of blocks."""
    lake = open_lake(str(folder))
    sources = []
    for number in range(objects):
        mark = f"{number}_" if distinct else ""
        body = json.dumps({f"key_{mark}{place}": {"value": place} for place in range(attributes)}).encode()
        path = f"raw/{objects}/t+0+{number}.json"
        lake.create(path, body)
        sources.append(EventObject(path, len(body), SinkName("t", "", 0, number), "", ""))
    place = TablePlace("staging/", "table/", "1-")
    quarantine = QuarantinePlace("staging/", "quarantine/", "run", "2026-08-01")
    task = FlattenTask(lake.uri, lake.uri, sources, (), EventRules({}), place, quarantine)
    with patch.object(files, "type_columns", wraps=files.type_columns) as typed:
        flattened = flatten_objects(task)
    assert all(report.needs_columns and report.read == 1 for report in flattened.reports)
    return len(pickle.dumps(flattened)), typed.call_count


def test_small_objects_share_blocks_and_what_they_report_does_not_grow_with_their_attributes(tmp_path: Path) -> None:
    (few, _), (many, blocks) = (flatten_wide(tmp_path, objects, 300) for objects in (16, 256))
    assert blocks <= 256 / 32
    assert (many - few) / (256 - 16) < 300


def test_objects_with_too_many_attributes_only_together_are_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than 5000 attributes"):
        flatten_wide(tmp_path / "one", 1, 2600)
    flatten_wide(tmp_path / "together", 4, 1300, distinct=True)
