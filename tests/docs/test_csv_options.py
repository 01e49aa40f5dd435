"""The examples of docs/csv.md, run row by row by a worker's own code in this process."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import ValidationError

from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.csv.conversion import ConversionTask, Converted, convert_parts
from lakewright.csv.heads import Header, read_heads
from lakewright.csv.objects import CsvObject, CsvPart
from lakewright.csv.options import CsvOptions
from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from lakewright.storage.uris import open_lake
from tests.conftest import ROOT
from tests.docs.tables import outcomes_of, read_tables, text_of, with_prefix

(EXAMPLES,) = read_tables((ROOT / "docs/csv.md").read_text(), "Options by example")
PATH = "raw/a.csv"


class RefusedError(Exception):
    """Raised if a feed or an object is refused."""


def feed_of(source: dict[str, Any]) -> CsvToParquetFeed:
    target = {"path": "table/", "fill": "append"}
    try:
        return CsvToParquetFeed.model_validate(
            {"job": "csv_to_parquet", "source": {"path": "raw/", **source}, "target": target}
        )
    except ValidationError as error:
        raise RefusedError(str(error)) from error


def head_of(folder: Path, options: CsvOptions) -> Header:
    size = (folder / PATH).stat().st_size
    heads = read_heads(open_lake(str(folder)), [(PATH, size)], options)
    if heads.refused:
        raise RefusedError(heads.refused[PATH])
    return heads.headers[PATH]


def converted(folder: Path, source: dict[str, Any], text: str) -> Converted:
    columns = source.get("columns", {"id": "string"})
    feed = feed_of({**source, "columns": columns})
    (folder / "raw").mkdir()
    (folder / PATH).write_bytes(text.encode(feed.source.csv.encoding))
    if "columns" not in source:
        names = filter(None, head_of(folder, feed.rules().options).names)
        feed = feed_of({**source, "columns": dict.fromkeys(names, "string")})
    lake = open_lake(str(folder))
    listed = lake.stat(PATH)
    assert listed
    rules = feed.rules()
    part = CsvPart(CsvObject(PATH, listed.size, listed.etag, head_of(folder, rules.options), {}))
    places = TablePlace("table/", "table/", ""), QuarantinePlace("quarantine/", "quarantine/", "run", "2026-08-01")
    typed = list(feed.typed_columns().values())
    done = convert_parts(ConversionTask(lake.uri, lake.uri, [part], rules, typed, *places))
    for damage in done.damage.values():
        raise RefusedError(damage.describe())
    return done


@pytest.mark.parametrize(
    ("option", "text", "rows"),
    [pytest.param(*row, id=f"{row[0]} {row[1][:40]}") for row in EXAMPLES],
)
def test_an_option_does_what_its_example_shows(tmp_path: Path, option: str, text: str, rows: str) -> None:
    expected = outcomes_of(rows)
    if refused := with_prefix(expected, "refused: "):
        with pytest.raises(RefusedError, match=re.escape(refused[0])):
            converted(tmp_path, yaml.safe_load(text_of(option)), text_of(text))
        return
    done = converted(tmp_path, yaml.safe_load(text_of(option)), text_of(text))
    found = [json.loads(json.dumps(row, default=str)) for row in read(tmp_path, done.table)]
    assert found == [json.loads(row) for row in expected if row.startswith("{")]
    reasons = [reason["rule"] for row in read(tmp_path, done.quarantine) for reason in row["reasons"]]
    assert reasons == with_prefix(expected, "rejected: ")
    assert done.skipped == Counter(with_prefix(expected, "skipped: "))
    assert done.read == len(expected)


def read(folder: Path, files: Any) -> list[dict[str, Any]]:
    return [row for file in files for row in pq.read_table(folder / file.staged).to_pylist()]
