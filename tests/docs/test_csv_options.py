"""The examples of docs/csv.md, run row by row by a worker's own code in this process."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from jobs.feeds.csv_to_parquet import CsvToParquetFeed
from lakewright.csv.conversion import Converted
from tests.conftest import ROOT
from tests.docs.tables import outcomes_of, read_tables, text_of, with_prefix
from tests.jobs.csv_options import RefusedError, convert_object, feed_of, put_object, read_header, read_staged

(EXAMPLES,) = read_tables((ROOT / "docs/csv.md").read_text(), "Options by example")


def checked_feed(source: dict[str, Any]) -> CsvToParquetFeed:
    try:
        return feed_of(source)
    except ValidationError as error:
        raise RefusedError(str(error)) from error


def convert(folder: Path, source: dict[str, Any], text: str) -> Converted:
    """Convert a text; without declared columns, all names of its header are strings."""
    feed = checked_feed({"columns": {"id": "string"}, **source})
    put_object(folder, text.encode(feed.source.csv.encoding))
    if "columns" not in source:
        names = filter(None, read_header(folder, feed.rules().options).names)
        feed = checked_feed({**source, "columns": dict.fromkeys(names, "string")})
    return convert_object(folder, feed)


@pytest.mark.parametrize(
    ("option", "text", "rows"), [pytest.param(*row, id=f"{row[0]} {row[1][:40]}") for row in EXAMPLES]
)
def test_an_option_does_what_its_example_shows(tmp_path: Path, option: str, text: str, rows: str) -> None:
    expected = outcomes_of(rows)
    if refused := with_prefix(expected, "refused: "):
        with pytest.raises(RefusedError, match=re.escape(refused[0])):
            convert(tmp_path, yaml.safe_load(text_of(option)), text_of(text))
        return
    converted = convert(tmp_path, yaml.safe_load(text_of(option)), text_of(text))
    written = [json.loads(json.dumps(row, default=str)) for row in read_staged(tmp_path, converted.table)]
    assert written == [json.loads(row) for row in expected if row.startswith("{")]
    reasons = [reason["rule"] for row in read_staged(tmp_path, converted.quarantine) for reason in row["reasons"]]
    assert reasons == with_prefix(expected, "rejected: ")
    assert converted.skipped == Counter(with_prefix(expected, "skipped: "))
    assert converted.read == len(expected)
