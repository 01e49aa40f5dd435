"""Processes in the POSIX locale, as cron and slim containers start them: names are UTF-8 all the same."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.conftest import JARS, ROOT

pytestmark = pytest.mark.slow

CHANGES = pa.table({"Op": ["I"], "ts": ["2026-08-01 10:00:00.000000"], "id": [1], "land": ["Österreich"]})
CASES: dict[str, tuple[dict[str, Any], str, str | pa.Table, str]] = {
    "csv_to_parquet": (
        {
            "source": {"path": "raw/käufe/", "columns": {"id": "long", "stadt": "string"}},
            "target": {"path": "refined/käufe/", "fill": "append", "partition_by": ["stadt"]},
        },
        "raw/käufe/é.csv",
        'id,stadt\n1,Köln\n2,"Kö\nln"\n',
        "refined/käufe/stadt=Köln/*.parquet",
    ),
    "cdc_to_hudi": (
        {
            "source": {"path": "raw/hr/", "time_column": "ts"},
            "target": {"path": "refined/hr/"},
            "tables": {"städte": {"key": "id", "partition_by": "land"}},
        },
        "raw/hr/städte/20260801-100000000é.parquet",
        CHANGES,
        "refined/hr/städte/land=Österreich/*.parquet",
    ),
    "flatten_events": (
        {"source": {"path": "raw/ereignisse/", "day": {"from": "object"}}, "target": {"path": "refined/größe/"}},
        "raw/ereignisse/größe/partition=0/größe+0+0000.json",
        '{"ä": 1}\n',
        "refined/größe/*/*/*/*/*.parquet",
    ),
    "json_scrub": (
        {"source": {"path": "landing/ü/"}, "scrub": {"fields": ["ß"]}},
        "landing/ü/é.json",
        '{"ß": "x"}\n',
        "landing/ü/é.json",
    ),
}


@pytest.mark.parametrize("job", CASES)
def test_names_are_utf8(tmp_path: Path, job: str) -> None:
    feed, path, content, written = CASES[job]
    conf, lake = tmp_path / "conf/feeds/f.yaml", tmp_path / "lake"
    conf.parent.mkdir(parents=True)
    conf.write_text(yaml.safe_dump({"job": job} | feed, allow_unicode=True), encoding="utf-8")
    source = lake / path
    source.parent.mkdir(parents=True)
    if isinstance(content, str):
        source.write_text(content, encoding="utf-8")
    else:
        pq.write_table(content, source)
    ran = subprocess.run(
        [sys.executable, "-m", "jobs", "run", "f", "--lake", str(lake), "--config", str(tmp_path / "conf"), "--json"],
        env={name: os.environ[name] for name in ("HOME", "PATH")} | {"LC_ALL": "POSIX", "LAKEWRIGHT_JARS": JARS},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    (receipt,) = json.loads(ran.stdout.decode())
    assert [each["path"] for each in receipt["batches"][0]["inputs"]] == [path]
    assert list(lake.glob(written))
