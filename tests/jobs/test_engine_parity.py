"""Feeds with many options have the same rows, rejected rows and counts on both engines."""

import bz2
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.conftest import Bench
from tests.jobs.event_bench import EventBench

ENGINES = ("local", "spark")
OF_RECEIPT = ("counts", "skipped", "rules", "first_rejected", "refused", "ignored", "warnings", "schema_changes")


def reported(receipt: dict[str, Any]) -> dict[str, Any]:
    return {name: receipt[name] for name in OF_RECEIPT}


def change(number: int, **values: Any) -> str:
    """Return a Debezium message in a Connect envelope."""
    row = {
        "id": number % 40,
        "born": 20_000 + number,
        "at": f"2026-08-{1 + number % 3:02} 10:00:00.{number:06} +02",
        "price": "AMgm",
        "size": {"scale": number % 4, "value": "Dw=="},
        "tags": {"b": number / 4, "a": [number]},
        "prices": {f"sku-{number % 7}": number / 8, "x": "n/a"},
        "body": json.dumps({"n": number, "deep": {"text": "é"}}),
    } | values
    payload = {"before": None, "after": row, "op": "u", "source": {"lsn": number, "ts_ms": 1_785_542_400_000}}
    return json.dumps({"schema": {"type": "struct"}, "payload": payload}, ensure_ascii=number % 2 == 0)


#: By name: keys of ``source``, and the objects.
EVENTS: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "array": (
        {
            "records": "array",
            "unwrap": ["connect", "debezium"],
            "object_name": "*/{topic}-{partition}-{last_offset}.gz",
            "day": {"from": "field", "field": "at"},
            "timestamps": {"at": "iso", "__source.ts_ms": "epoch_millis"},
            "types": {"born": "epoch_days", "price": "base64_decimal(2)", "size": "variable_scale_decimal(2)"},
            "json_columns": {"tags": "text", "prices": "map"},
            "parse_json": ["body"],
            "dedupe": "key(id, body.n)",
        },
        {
            "x/a.b-0-199.gz": [change(number) for number in range(200)],
            "x/a.b-1-49.gz": [change(number, id=str(number)) for number in range(50)],
            "y/a.b-0-249.gz": [
                change(7, born=0.5, tags="x", prices=[1]),
                change(8, body="{"),
                change(9, at="soon"),
                "null",
                '{"schema": null, "payload": null}',
                '{"payload": {"op": "t"}, "schema": {}}',
                '{"payload": 1, "schema": {}}',
            ],
            "x/c-0-1.gz": [change(1), change(2), change(3)],
            "x/c-1-1.gz": [change(1), '{"a": }'],
        },
    ),
    "concatenated": (
        {
            "records": "concatenated",
            "endings": [".jsonl.gz"],
            "delimiter": "-",
            "record": {"offset": "o"},
        },
        {
            "t/year=2026/month=08/day=01/t-0-0.jsonl.gz": [
                *(f'{{"o": {number}, "v": {value}}}' for number, value in enumerate(["1", "1.5", '"x"', "null", "[]"])),
                '{"o": 5, "v": {"w": 1}}',
            ],
            "t/year=2026/month=08/day=01/t-0-3.jsonl.gz": [
                '{"o": 0, "v": 1}',
                '{"o": 1, "v": 2}',
                '{"o": 9, "v": 1, "v": 2}',
                '{"o": 10,, }',
            ],
            "t/year=2026/month=08/day=02/t-1-0.jsonl.gz": ['{"o": 0, "v": 1}', '{"o": 1, "v": "\\ud800"}'],
        },
    ),
}


@pytest.mark.slow
@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("name", EVENTS)
def test_events(tmp_path: Path, name: str) -> None:
    source, objects = EVENTS[name]
    without_spark: Any = None
    found = []
    for engine in ENGINES:
        events = EventBench(tmp_path / engine, without_spark, engine=engine)
        events.feed(**{f"source__{key}": value for key, value in source.items()})
        for path, records in objects.items():
            is_array = source["records"] == "array"
            text = "[" + ",\n".join(records) + "]" if is_array else "\n ".join(records)
            events.put_object(path, gzip.compress(text.encode(), mtime=0))
        receipts = events.command("run", "--json").data
        assert {receipt["engine"]["name"] for receipt in receipts} == {engine}
        tables = [receipt["target"] for receipt in receipts]
        found.append(
            {
                "receipts": [reported(receipt) for receipt in receipts],
                "types": [events.types(table) for table in tables],
                "rows": [events.table(table) for table in tables],
                "rejects": [events.rejects(table) for table in tables],
            }
        )
    local, on_spark = found
    assert on_spark == local
    assert any(local["rows"])
    assert any(local["rejects"])


SALES = """
report of sales

1||  'O\\'Brien'||1.234,50 €||(5)||01/08/26||1785542400
2||x||1,00||7||31/12/2026||1785542400.25||
# a comment
3||'a||b
c'||-||45-||01/08/26||?
4||too||few
id||name||price||change||day||at
5||café||2.000.000,00 €||(1)||01/08/26||1785542400000
total||5
"""


@pytest.mark.slow
def test_csv(tmp_path: Path, spark: SparkSession) -> None:
    found = []
    for engine in ENGINES:
        bench = Bench(tmp_path / engine, spark)
        bench.feed(
            source__columns={
                "id": "long",
                "name": "string",
                "price": {
                    "type": "decimal(12,2)",
                    "thousands_separator": ".",
                    "currency": ["€"],
                    "null_text": ["-"],
                },
                "change": {"type": "int", "negative": ["minus", "parentheses"]},
                "day": {"type": "date", "format": ["dd/MM/yyyy", "dd/MM/yy"], "two_digit_year_from": 1970},
                "at": {"type": "timestamp", "epoch": "seconds"},
            },
            source__csv={
                "header": False,
                "delimiter": "||",
                "quote": "'",
                "escape": "\\",
                "encoding": "windows-1252",
                "decimal_separator": ",",
                "comment": "#",
                "skip_lines": 3,
                "footer_lines": 1,
                "trailing_delimiter": "allow",
                "skip_initial_space": True,
            },
            target__partition_by=[],
            target__fill="append",
        )
        body = SALES.encode("windows-1252")
        for name, content in {"a.csv": body, "b.csv.gz": gzip.compress(body), "c.csv.bz2": bz2.compress(body)}.items():
            path = bench.put(name, content)
            os.utime(path, (1_785_542_400, 1_785_542_400))
        receipt = bench.run("--engine", engine)
        assert receipt["engine"]["name"] == engine
        files = sorted((bench.lake / "refined/people").rglob("*.parquet"))
        rows = [row for file in files for row in pq.read_table(file).to_pylist()]
        found.append((reported(receipt), sorted(rows, key=repr), bench.quarantine()))
    local, on_spark = found
    assert on_spark == local
    assert all(local)
