"""Digests of rows: equal for two rows if and only if their records are equal, whenever each was typed."""

from typing import Any

import pyarrow as pa
from hypothesis import given, settings

from tests.conftest import examples
from tests.transforms.events.event_oracle import normal_record
from tests.transforms.events.test_flat_events import RECORDS, flat, learn, to_line
from transforms.events.contents import digest_rows
from transforms.events.schema import EventSchema
from transforms.events.typed_columns import type_columns


def table_of(records: list[dict[str, Any]], schema: EventSchema) -> pa.Table:
    rows = flat([to_line(record) for record in records])
    typed = type_columns(rows.values, len(rows.lines), schema, {})
    numbers = {"_line": pa.array([line.number for line in rows.lines])}
    return pa.table(numbers | {name: typed.columns[name] for name in schema.arrow_types})


@settings(max_examples=examples(150), deadline=None)
@given(RECORDS, RECORDS)
def test_digests_are_equal_if_and_only_if_the_records_are(
    earlier: list[dict[str, Any]], later: list[dict[str, Any]]
) -> None:
    early = learn(EventSchema(), [[to_line(record) for record in earlier]])
    late = learn(early, [[to_line(record) for record in (*later, *earlier)]])
    records = [*earlier, *later, *earlier]
    digests = [
        *digest_rows(table_of(earlier, early), late.columns),
        *digest_rows(table_of([*later, *earlier], late), late.columns),
    ]
    for record, digest in zip(records, digests, strict=True):
        for other, other_digest in zip(records, digests, strict=True):
            is_same = normal_record(record) == normal_record(other)
            assert (digest == other_digest) == is_same, (record, other)
