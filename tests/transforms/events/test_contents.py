"""Digests of rows: equal for two rows if and only if their records are equal, whenever each was typed."""

from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.transforms.events.event_oracle import normal_record
from tests.transforms.events.test_flat_events import RECORDS, flat, learn, to_line
from transforms.events.contents import digest_rows, keys_of, repeated_keys
from transforms.events.schema import EventColumn, EventSchema
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


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, "a", "b"]), st.integers(0, 4)), max_size=12))
def test_of_each_key_one_row_stays(records: list[tuple[int, str | None, int]]) -> None:
    """Files 0 and 1 are published; of the others, the row of lowest offset stays, whichever file is looked at."""
    columns = [EventColumn(("k",), "k", "string")]
    files = [
        pa.table(
            {
                "k": pa.array([key for where, key, _ in records if where == file], pa.string()),
                "offset": pa.array([offset for where, _, offset in records if where == file], pa.int64()),
                "line": pa.array([line for line, (where, *_) in enumerate(records) if where == file], pa.int64()),
            }
        )
        for file in range(4)
    ]
    keys = [keys_of(file, columns, [("k",)], ["offset", "line"]) for file in files]
    left = set()
    apart = [*repeated_keys([keys[2]], keys[:2], [keys[3]]), *repeated_keys([keys[3]], keys[:2], [keys[2]])]
    assert repeated_keys(keys[2:], keys[:2], []) == apart
    for file, repeats in zip((2, 3), apart, strict=True):
        lines = files[file]["line"].to_pylist()
        left |= {line for row, line in enumerate(lines) if row not in repeats}
    new = [(offset, line, key) for line, (file, key, offset) in enumerate(records) if file > 1]
    published = {key for file, key, _ in records if file <= 1}
    expected, seen = set(), set(published)
    for _, line, key in sorted(new, key=lambda row: row[:2]):
        if key is None or key not in seen:
            expected.add(line)
            seen.add(key)
    assert left == expected


def test_a_text_with_json_in_it_is_another_record_than_the_json() -> None:
    columns = [EventColumn(("m",), "m", "json_map"), EventColumn(("m",), "m__text", "string", is_text=True)]
    formats = {("m",): "json_map"}
    typed = type_columns({("m",): ['{"a":1}', '"{\\"a\\":1}"']}, 2, EventSchema(columns), formats)
    first, second = digest_rows(pa.table(typed.columns), columns)
    assert first != second
