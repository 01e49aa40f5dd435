"""Replay on S3, with a source in another bucket."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from tests.conftest import command
from tests.s3_server import BUCKET

SOURCE = "somebody-elses"


@pytest.fixture
def source(bucket: Any) -> Iterator[Any]:
    other = boto3.resource("s3").Bucket(SOURCE)
    other.create()
    yield other
    other.objects.all().delete()
    other.delete()


def test_corrections_lie_in_the_lake(tmp_path: Path, bucket: Any, source: Any) -> None:
    feed = {
        "job": "csv_to_parquet",
        "source": {"path": f"s3://{SOURCE}/some/raw/", "columns": {"id": "long", "name": "string"}},
        "target": {"path": "refined/people/", "fill": "append"},
        "max_rejected": 0.5,
    }
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds/people.yaml").write_text(yaml.safe_dump(feed))
    where = ("--lake", f"s3://{BUCKET}/lake", "--config", str(tmp_path), "--json")
    source.put_object(Key="some/raw/a.csv", Body=b"id,name\n1,a\nx,b\n")
    assert command("run", "people", *where).exit_code == 0
    sheet, edited = tmp_path / "sheet.csv", tmp_path / "edited.csv"
    assert command("quarantine", "people", "--csv", str(sheet), *where).exit_code == 0
    with sheet.open(newline="") as rows, edited.open("w", newline="") as changed:
        csv.writer(changed).writerows(["2" if cell == "x" else cell for cell in row] for row in csv.reader(rows))
    (receipt,) = command("replay", "people", "--csv", str(edited), *where).data
    assert (receipt["exit_code"], receipt["replayed"]) == (0, {"corrected": 1}), receipt["error"]
    assert [each["path"].split("/")[0] for each in receipt["batches"][0]["inputs"]] == ["corrections"]
    (rebuilt,) = command("rebuild", "people", *where).data
    counts = rebuilt["counts"]
    assert (rebuilt["exit_code"], counts["written"], counts["superseded"], counts["rejected"]) == (0, 2, 1, 0)
    assert [each.key for each in source.objects.all()] == ["some/raw/a.csv"]
