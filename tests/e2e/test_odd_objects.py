"""S3 objects that are unreadable or not data: each job names them, and processes the others."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

from tests.conftest import command
from tests.s3_server import BUCKET

pytestmark = pytest.mark.slow

#: The part of a name before its extension.
SOUND = ("a%20b", "a%2", "{a}[b]*?", "a\\b c", "é\u0301😀", "a+b&c=d:e")
UNREADABLE = ("tab\t", "x//y")  # the test server does not support keys with a line end
MARKERS = ("", "sub/", "sub_$folder$", "deep/er_$folder$")
ARCHIVED = "it is archived; restore it first"


def parquet(number: int) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"Op": ["I"], "ts": ["2026-08-01 10:00:00.000000"], "id": [number]}), file)
    return file.getvalue()


Case = tuple[dict[str, Any], str, Callable[[str], str], Callable[[int], bytes]]
CASES: dict[str, Case] = {
    "csv": (
        {
            "job": "csv_to_parquet",
            "source": {"path": "raw/", "columns": {"n": "long"}},
            "target": {"path": "refined/", "fill": "append"},
        },
        "raw/",
        lambda name: f"{name}.csv",
        lambda number: f"n\n{number}\n".encode(),
    ),
    "cdc": (
        {
            "job": "cdc_to_hudi",
            "source": {"path": "raw/hr/", "time_column": "ts"},
            "target": {"path": "refined/"},
            "tables": {"t": {}},
        },
        "raw/hr/t/",
        lambda name: f"20260801-000000000{name}.parquet" if "/" not in name else f"{name}.parquet",
        parquet,
    ),
    "events": (
        {
            "job": "flatten_events",
            "source": {"path": "raw/", "day": {"from": "object"}},
            "target": {"path": "refined/"},
        },
        "raw/t/partition=0/",
        lambda name: f"{name}/t+0+0000.json",
        lambda number: b'{"n": %d}\n' % number,
    ),
    "scrub": (
        {"job": "json_scrub", "source": {"path": "raw/"}, "scrub": {"fields": ["x"]}},
        "raw/",
        lambda name: f"{name}.json",
        lambda number: b'{"x": %d}\n' % number,
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_unreadable_objects_do_not_stop_others(bucket: Any, spark: SparkSession, tmp_path: Path, kind: str) -> None:
    feed, folder, name_of, body = CASES[kind]
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds/f.yaml").write_text(yaml.safe_dump(feed))
    s3 = boto3.client("s3")

    def put(name: str, content: bytes, **options: Any) -> str:
        s3.put_object(Bucket=BUCKET, Key=f"lake/{folder}{name}", Body=content, **options)
        return f"{folder}{name}"

    def run() -> dict[str, Any]:
        where = ("--lake", f"s3://{BUCKET}/lake", "--config", str(tmp_path))
        answer = command("run", "f", "--json", *where)
        (receipt,) = answer.data
        assert len(answer.stderr.splitlines()) == len([*receipt["warnings"], *filter(None, [receipt["error"]])])
        shown = command("plan", "f", *where)
        assert "\x1b" not in shown.stdout
        return dict(receipt)

    sound = [put(name_of(name), body(number)) for number, name in enumerate(SOUND)]
    markers = [put(name, b"") for name in MARKERS]
    receipt = run()
    assert (receipt["status"], receipt["error"], receipt["refused"]) == ("committed", "", {})
    assert receipt["counts"]["written"] == len(sound)
    assert set(markers) & set(receipt["refused"]) == set()

    archived = put(name_of("z-archived"), body(7), StorageClass="DEEP_ARCHIVE")
    odd = [put(name_of(name), body(10 + number)) for number, name in enumerate(UNREADABLE)]
    newer = put(name_of("b-newer"), body(8))
    receipt = run()
    assert receipt["refused"][archived] == ARCHIVED
    applied = {
        each["path"] for batch in receipt["batches"] if batch["status"] == "committed" for each in batch["inputs"]
    }
    if kind in ("csv", "cdc"):
        assert set(receipt["refused"]) == {archived, *odd}
        assert receipt["exit_code"] == 3
    if kind != "cdc":  # change files later than a refused one are not applied
        assert newer in applied
    if kind != "scrub":  # which plans all objects, and leaves this one unchanged
        assert archived not in applied

    s3.restore_object(Bucket=BUCKET, Key=f"lake/{archived}", RestoreRequest={"Days": 1})
    for path in odd:
        s3.delete_object(Bucket=BUCKET, Key=f"lake/{path}")
    receipt = run()
    assert (receipt["exit_code"], receipt["refused"]) == (0, {})
