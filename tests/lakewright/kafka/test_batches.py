"""Which objects a batch reads, and how often; tasks run in this process."""

import json
from pathlib import Path
from typing import Any

import pytest

from lakewright.kafka.batches import EventBatch, cut_evenly, read_events
from lakewright.kafka.rules import EventRules
from lakewright.kafka.settling import SettledEvents, settle
from lakewright.kafka.sink import EventObject
from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from lakewright.storage.uris import open_lake
from tests.workers import InProcessWorkers
from transforms.events.schema import EventColumn, EventSchema
from transforms.events.sink_names import SinkName


def flattened(tmp_path: Path, known: EventSchema, *objects: list[Any]) -> tuple[list[list[str]], SettledEvents]:
    """Flatten objects; return the objects of each pass, and the result."""
    workers = InProcessWorkers(1)
    lake = open_lake(str(tmp_path))
    event_objects = []
    for number, events in enumerate(objects):
        body = b"\n".join(json.dumps(event).encode() for event in events)
        lake.create(f"raw/{number}", body)
        event_objects.append(EventObject(f"raw/{number}", len(body), SinkName("t", "", 0, 100 * number), "", ""))
    place = TablePlace("staging/", "table/", "1-", "snappy")
    batch = EventBatch(
        source_uri=lake.uri,
        lake_uri=lake.uri,
        objects=event_objects,
        rules=EventRules({}),
        separator="_",
        reserved=(),
        known=known,
        former=EventSchema(),
        existing=[],
        retaken=frozenset(),
        dedupe_days=0,
        table=place,
        quarantine=QuarantinePlace("staging/", "quarantine/", "run", "2026-08-01"),
    )
    read = read_events(workers, batch, {})
    passes = [[each.path for task in tasks for each in task.objects] for tasks in workers.done]
    return passes, settle(workers, batch, read)


NUMBER = EventColumn(("n",), "n", "bigint")
TEXT = EventColumn(("n",), "n__text", "string", is_text=True)
TAGS = EventColumn(("tags",), "tags__text", "string", is_text=True)


@pytest.mark.parametrize(
    ("known", "objects", "passes"),
    [
        pytest.param([NUMBER], [[{"n": 1}], [{"n": None}], []], [[0, 1, 2]], id="one-pass-with-a-known-schema"),
        pytest.param(
            [NUMBER],
            [[{"n": 1}], [{"m": 1}], [{"n": 2}]],
            [[0, 1, 2], [1]],
            id="objects-with-new-attributes-are-read-again",
        ),
        pytest.param([NUMBER], [[{"n": 1}], [{"n": "x"}]], [[0, 1], [1]], id="mistyped-values-need-a-text-column"),
        pytest.param([NUMBER, TEXT], [[{"n": 1}], [{"n": "x"}]], [[0, 1]], id="text-column-exists"),
        pytest.param([TAGS], [[{"tags": []}], [{"tags": []}]], [[0, 1]], id="no-type-known"),
        pytest.param([TAGS], [[{"tags": []}], [{}], [{"tags": [1]}]], [[0, 1, 2], [0, 2]], id="first-typed-value"),
        pytest.param(
            [], [[{"n": 1}], [{"m": 1}], [{"k": None}]], [[0, 1, 2], [0, 1]], id="two-passes-without-a-schema"
        ),
    ],
)
def test_objects_are_read_again_only_for_new_columns(
    tmp_path: Path,
    known: list[EventColumn],
    objects: list[list[Any]],
    passes: list[list[int]],
) -> None:
    done, result = flattened(tmp_path, EventSchema(known), *objects)
    assert done == [[f"raw/{number}" for number in part] for part in passes]
    assert sum(file.rows for file in result.files) == sum(map(len, objects))
    assert sorted(path for file in result.files for path in file.objects) == [
        f"raw/{number}" for number, events in enumerate(objects) if events
    ]


def test_objects_are_divided_evenly_and_in_order() -> None:
    def sized(*sizes: int) -> list[list[int]]:
        objects = [
            EventObject(f"{number:03}", size, SinkName("t", "", 0, 0), "", "e") for number, size in enumerate(sizes)
        ]
        parts = cut_evenly(objects[::-1], 2)
        assert [each for part in parts for each in part] == objects
        return [[each.size for each in part] for part in parts]

    mega = 1 << 20
    assert sized() == []
    assert sized(*[1000] * 50) == [[1000] * 50]
    assert sized(*[4 * mega] * 12) == [[4 * mega] * 6] * 2
    assert sized(200 * mega, *[mega] * 8)[0] == [200 * mega]
    assert [len(part) for part in sized(*[16 * mega] * 16)] == [4, 4, 4, 4]
    assert sized(0, 0) == [[0, 0]]
