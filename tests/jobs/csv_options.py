"""Texts of CSV objects read with options of a feed, in a worker's own process."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.csv.conversion import ConversionTask, convert_parts
from lakewright.csv.heads import read_heads
from lakewright.csv.objects import CsvObject, CsvPart
from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from lakewright.storage.uris import open_lake


def feed_of(source: Mapping[str, Any]) -> CsvToParquetFeed:
    """Return a feed with these keys of ``source``."""
    return CsvToParquetFeed.model_validate(
        {"job": "csv_to_parquet", "source": {"path": "raw/", **source}, "target": {"path": "table/", "fill": "append"}}
    )


def outcome(folder: Path, source: Mapping[str, Any], text: str) -> list[str]:
    """Return the rows of a text as JSON, ``rejected:`` and rules, or ``refused:`` and the reason."""
    feed = feed_of(source)
    rules = feed.rules()
    (folder / "raw").mkdir(parents=True)
    (folder / "raw/a.csv").write_bytes(text.encode())
    lake = open_lake(str(folder))
    listed = lake.stat("raw/a.csv")
    assert listed
    heads = read_heads(lake, [("raw/a.csv", listed.size)], rules.options)
    if heads.refused:
        return [f"refused: {heads.refused['raw/a.csv']}"]
    part = CsvPart(CsvObject("raw/a.csv", listed.size, listed.etag, heads.headers["raw/a.csv"], {}))
    places = TablePlace("table/", "table/", ""), QuarantinePlace("quarantine/", "quarantine/", "run", "2026-08-01")
    columns = list(feed.typed_columns().values())
    done = convert_parts(ConversionTask(lake.uri, lake.uri, [part], rules, columns, *places))
    if done.damage:
        return [f"refused: {damage.describe()}" for damage in done.damage.values()]
    rows = [row for file in done.table for row in pq.read_table(folder / file.staged).to_pylist()]
    rejected = [row for file in done.quarantine for row in pq.read_table(folder / file.staged).to_pylist()]
    return [json.dumps(row, default=str, ensure_ascii=False) for row in rows] + [
        "rejected: " + ", ".join(f"{reason['column']}: {reason['rule']}" for reason in row["reasons"])
        for row in rejected
    ]
