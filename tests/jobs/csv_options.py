"""Texts of CSV objects read with options of a feed, in a worker's own process."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.csv.conversion import ConversionTask, Converted, convert_parts
from lakewright.csv.heads import Header, read_heads
from lakewright.csv.objects import CsvObject, CsvPart
from lakewright.csv.options import CsvOptions
from lakewright.log.records import DataFile
from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from lakewright.storage.uris import open_lake

_PATH: Final = "raw/a.csv"


class RefusedError(Exception):
    """Raised if a feed or an object is refused."""


def feed_of(source: Mapping[str, Any]) -> CsvToParquetFeed:
    """Return a feed with these keys of ``source``."""
    return CsvToParquetFeed.model_validate(
        {"job": "csv_to_parquet", "source": {"path": "raw/", **source}, "target": {"path": "table/", "fill": "append"}}
    )


def put_object(folder: Path, body: bytes) -> None:
    """Write the only object of the source."""
    (folder / "raw").mkdir(parents=True)
    (folder / _PATH).write_bytes(body)


def read_header(folder: Path, options: CsvOptions) -> Header:
    """Read the header of the object.

    Raises:
        RefusedError: If the object is refused.
    """
    heads = read_heads(open_lake(str(folder)), [(_PATH, (folder / _PATH).stat().st_size)], options)
    if heads.refused:
        raise RefusedError(heads.refused[_PATH])
    return heads.headers[_PATH]


def convert_object(folder: Path, feed: CsvToParquetFeed) -> Converted:
    """Convert the object.

    Raises:
        RefusedError: If the object is refused.
    """
    lake, rules = open_lake(str(folder)), feed.rules()
    listed = lake.stat(_PATH)
    assert listed
    part = CsvPart(CsvObject(_PATH, listed.size, listed.etag, read_header(folder, rules.options), {}))
    places = TablePlace("table/", "table/", ""), QuarantinePlace("quarantine/", "quarantine/", "run", "2026-08-01")
    columns = list(feed.typed_columns().values())
    converted = convert_parts(ConversionTask(lake.uri, lake.uri, [part], rules, columns, *places))
    for damage in converted.damage.values():
        raise RefusedError(damage.describe())
    return converted


def read_staged(folder: Path, files: Sequence[DataFile]) -> list[dict[str, Any]]:
    """Read the rows of staged files."""
    return [row for file in files for row in pq.read_table(folder / file.staged).to_pylist()]


def outcome(folder: Path, source: Mapping[str, Any], text: str) -> list[str]:
    """Return the rows of a text as JSON, ``rejected:`` and rules, or ``refused:`` and the reason."""
    put_object(folder, text.encode())
    try:
        converted = convert_object(folder, feed_of(source))
    except RefusedError as error:
        return [f"refused: {error}"]
    rows, rejected = read_staged(folder, converted.table), read_staged(folder, converted.quarantine)
    return [json.dumps(row, default=str, ensure_ascii=False) for row in rows] + [
        "rejected: " + ", ".join(f"{reason['column']}: {reason['rule']}" for reason in row["reasons"])
        for row in rejected
    ]
