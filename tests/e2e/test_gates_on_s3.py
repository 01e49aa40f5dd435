"""Gates of a lake and a config folder in S3: DuckDB reads staged files without extensions."""

from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from tests.conftest import command
from tests.s3_server import BUCKET
from tests.suites import REJECT, gxe, write_suite

pytestmark = pytest.mark.slow

FEED = {
    "job": "csv_to_parquet",
    "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string"}},
    "target": {"path": "refined/people/", "partition_by": ["name"], "fill": "append"},
    "max_rejected": 0.5,
    "gates": {"suite": "people"},
}


def test_staged_objects_are_judged(bucket: Any, tmp_path: Path) -> None:
    suite = write_suite(
        tmp_path,
        "people",
        gxe.ExpectColumnValuesToBeUnique(column="id"),
        gxe.ExpectColumnMaxToBeBetween(column="id", max_value=9),
        gxe.ExpectColumnValuesToBeInSet(column="name", value_set=["Ada", "Bob"]),
        gxe.ExpectColumnValuesToNotBeNull(column="id", meta=REJECT),
    )
    s3 = boto3.client("s3")
    s3.put_object(Bucket=BUCKET, Key="conf/feeds/people.yaml", Body=yaml.safe_dump(FEED).encode())
    s3.put_object(Bucket=BUCKET, Key="conf/quality/people.json", Body=suite.read_bytes())
    where = ("--lake", f"s3://{BUCKET}/lake", "--config", f"s3://{BUCKET}/conf", "--json")
    for body, exit_code in ((b"id,name\n1,Ada\n1,Bob\n", 3), (b"id,name\n1,Ada\n2,Bob\n,Bob\n", 0)):
        s3.put_object(Bucket=BUCKET, Key="lake/raw/people/a.csv", Body=body)
        answer = command("run", "people", *where)
        (receipt,) = answer.data
        assert receipt["exit_code"] == exit_code, receipt["error"]
        keys = [each.key for each in bucket.objects.all() if each.key.startswith("lake/refined/")]
        assert len(keys) == (0 if exit_code else 2)
    assert [result["engine"] for result in receipt["batches"][0]["gates"]["results"]] == [
        "sql", "great_expectations", "sql", "sql"
    ]  # fmt: skip
    assert command("gates", "people", *where).data[0]["gates"]["verdict"] == "passed"
