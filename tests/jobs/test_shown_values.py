"""Values of the data appear in no error, receipt or log of any job, unless that is asked for."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.conftest import JARS, ROOT, Bench
from tests.receipts import problems_with

#: Letters alone, so that it may stand wherever a value can.
CANARY = "Zanzibarbara"
DAY = "year=2026/month=08/day=01"

FEEDS = {
    "people": {
        "job": "csv_to_parquet",
        "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string", "born": "date"}},
        "target": {"path": "refined/people/"},
        "max_rejected": 1.0,
    },
    "wide": {
        "job": "csv_to_parquet",
        "source": {"path": "raw/wide/", "columns": {"id": "long", "name": "string"}, "csv": {"multiline": False}},
        "target": {"path": "refined/wide/"},
        "max_rejected": 0.1,
    },
    "events": {
        "job": "flatten_events",
        "source": {
            "path": "raw/topics/",
            "day": {"from": "field", "field": "ts"},
            "timestamps": {"ts": "epoch_millis", "at": "iso"},
            "on_offset_conflict": "refuse",
            "max_record_bytes": 1024,
        },
        "target": {"path": "refined/events/"},
        "max_rejected": 1.0,
    },
    "uploads": {
        "job": "json_scrub",
        "source": {"path": "landing/uploads/"},
        "scrub": {"fields": ["body"], "verify": True, "on_hidden": "refuse", "max_record_bytes": 1024},
    },
    "hr": {
        "job": "cdc_to_hudi",
        "source": {"path": "raw/hr/", "time_column": "ts"},
        "target": {"path": "refined/hr/", "parallelism": 2, "on_update_of_unknown_key": "refuse"},
        "tables": {name: {"key": "id"} for name in ("kinds", "updates", "damaged", "drifted")} | {"appended": {}},
        "max_rejected": 1.0,
    },
}

RAW = {
    "raw/people/no_header.csv": f"1,{CANARY},1990-01-31\n2,b,1990-01-31\n",
    "raw/people/doubled.csv": f"{CANARY},{CANARY},1\n",
    "raw/people/no_delimiter.csv": f"id;name;born;{CANARY}\n",
    "raw/people/never_closed.csv": f'id,name,born\n1,"{CANARY}\n2,b,1990-01-31\n',
    "raw/people/cells.csv": f'id,name,born\n{CANARY},a,1990-01-31\n1,a,{CANARY}\n1,{CANARY}\n1,"{CANARY}"x,\n',
    "raw/people/not_csv.csv": f'"{CANARY}"x,\n',
    "raw/people/page.csv": f"<!DOCTYPE html><p>{CANARY}",
    "raw/people/utf_16.csv": f"id,name,born\n1,{CANARY},\n".encode("utf-16"),
    "raw/people/cut_off.csv.gz": gzip.compress(f"id,name,born\n1,{CANARY},\n".encode())[:-4],
    "raw/wide/over_lines.csv": f'id,name\n1,"{CANARY}\n2,{CANARY}"\n',
    "raw/wide/cells.csv": f"id,name\n{CANARY},a\n1,{CANARY},3\n",
    f"raw/topics/t/{DAY}/t+0+0000000000.json": "\n".join(
        [
            f'{{"ts": 1785542400000, "name": "{CANARY}", "n": 1, "at": "{CANARY}"}}',
            f'{{"ts": 1785542400000, "n": "{CANARY}"}}',
            f'{{"ts": "{CANARY}"}}',
            f'{{"ts": 1785542400000, "name": "{CANARY}" "{CANARY}"}}',
            f'{{"ts": 1785542400000, "name": "{CANARY}", "name": "{CANARY}"}}',
            f'["{CANARY}"]',
            CANARY,
        ]
    ),
    f"raw/topics/long/{DAY}/long+0+0000000000.json": json.dumps({"name": CANARY * 200}),
    f"raw/topics/torn/{DAY}/torn+0+0000000000.json.gz": gzip.compress(json.dumps({"name": CANARY}).encode())[:-4],
    f"raw/topics/twice/{DAY}/twice+0+0000000000.json": f'{{"ts": 1785542400000, "name": "{CANARY}"}}\n' * 2,
    f"raw/topics/twice/{DAY}/twice+0+0000000001.json": f'{{"ts": 1785542400000, "name": "{CANARY} too"}}\n',
    "landing/uploads/no_json.json": f'{{"body": "{CANARY}"}}\n{{"body": {CANARY}}}\n',
    "landing/uploads/no_object.json": f'"{CANARY}"\n',
    "landing/uploads/no_text.json": f'{{"body": "{CANARY}'.encode() + b'\xff"}\n',
    "landing/uploads/long.json": json.dumps({"body": CANARY * 200}),
    "landing/uploads/hidden.json": json.dumps({"other": json.dumps({"body": CANARY})}),
    "landing/uploads/cut_off.json": gzip.compress(json.dumps({"body": CANARY}).encode())[:-4],
    "raw/hr/damaged/LOAD00000001.parquet": f"PAR1{CANARY}PAR1",
}

CHANGES = {
    "kinds/20260801-101500000.parquet": {"Op": [CANARY, "I", "U"], "id": ["1", None, "2"], "name": [CANARY] * 3},
    "updates/20260801-101500000.parquet": {"Op": ["U"], "id": [CANARY], "name": [CANARY]},
    "drifted/LOAD00000001.parquet": {"id": ["1"], "name": [CANARY]},
    "drifted/LOAD00000002.parquet": {"id": ["2"], "name": [1]},
    "appended/20260801-101500000.parquet": {"Op": [CANARY], "id": [CANARY], "name": [CANARY]},
}

#: All jobs in one process, as the command line runs them, and then what Spark itself says of a task that fails.
RUNS = """
import sys
from jobs.cli.verbs import app
from lakewright.engine import choice
from lakewright.engine.local import LocalWorkers, WorkerPool
from lakewright.engine.spark.session import get_session
from lakewright.engine.spark.workers import SparkWorkers
from lakewright.unexpected import cause_of, trace_of

choice._SMALL_BYTES = -1
lake, conf, canary, *feeds = sys.argv[1:]
for feed in feeds:
    for verb in ("plan", "run", "run", "status", "receipt", "rebuild"):
        options = [] if verb == "rebuild" else ["--verbose"]
        try:
            app([verb, feed, "--lake", lake, "--config", conf, *options], prog_name="lakewright")
        except SystemExit as end:
            print("####", verb, feed, end.code, file=sys.stderr)
spark = get_session()
pool = WorkerPool(1)
works = (
    lambda: spark.sql(f"SELECT raise_error('{canary}')").collect(),
    lambda: spark.sql(f"SELECT CAST(id || '{canary}' AS INT) FROM range(3)").write.format("noop").mode("append").save(),
    lambda: SparkWorkers().run(int, [canary]),
    lambda: LocalWorkers(pool).run(int, [canary]),
)
spark.conf.set("spark.sql.ansi.enabled", True)
for work in works:
    try:
        work()
    except Exception as error:
        print("####", cause_of(error), trace_of(error), file=sys.stderr)
pool.close()
"""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    for name, feed in FEEDS.items():
        path = tmp_path / f"conf/feeds/{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(feed))
    for name, content in RAW.items():
        path = tmp_path / "lake" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    for name, columns in CHANGES.items():
        path = tmp_path / "lake/raw/hr" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"ts": ["2026-08-01 10:00:00"] * len(columns["id"]), **columns}), path)
    return tmp_path / "lake"


@pytest.mark.slow
@pytest.mark.needs_hudi
def test_no_value_of_bad_input_is_shown_anywhere(lake: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUNS, str(lake), str(lake.parent / "conf"), CANARY, *FEEDS],
        cwd=ROOT,
        env=os.environ | {"LAKEWRIGHT_JARS": JARS, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    told = done.stdout + done.stderr
    ended = [line for line in done.stderr.splitlines() if line.startswith("#### ")]
    assert len(ended) == 6 * len(FEEDS) + 4, told[-5000:]
    assert {f"#### run {feed} 3" for feed in FEEDS} <= set(ended)
    assert any(line.startswith("#### Py4JJavaError: org.apache.spark.SparkNumberFormatException") for line in ended)
    assert [line for line in told.splitlines() if CANARY.casefold() in line.casefold()] == []
    written = [path for path in lake.glob("state/**/*") if path.is_file() and "deleted" not in path.parts]
    receipts = [json.loads(path.read_text()) for path in written if "receipts" in path.parts]
    assert {receipt["feed"] for receipt in receipts} == set(FEEDS)
    assert [problem for receipt in receipts for problem in problems_with(receipt)] == []
    assert [str(path) for path in written if CANARY.casefold() in path.read_text(errors="replace").casefold()] == []


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_show_values_shows_the_line_that_is_no_header(bench: Bench, verb: str) -> None:
    bench.put("a.csv", f"1,{CANARY}\n")
    answer = bench.command(verb)
    assert (answer.exit_code, CANARY in answer.stdout + answer.stderr) == (3, False)
    assert "no header: its first line names none of the columns 'id', 'name'; it has 2 fields" in answer.last_line
    answer = bench.command(verb, "--show-values")
    assert (answer.exit_code, CANARY in answer.last_line) == (3, True)
    bench.feed(show_values=True)
    answer = bench.command(verb)
    assert (answer.exit_code, CANARY in answer.last_line) == (3, True)


def test_what_is_shown_is_no_part_of_what_a_batch_was_made_with(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bench.run()
    assert bench.run("--show-values")["status"] == "nothing_new"


def test_an_unexpected_error_is_quoted_if_values_may_be_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError(CANARY)

    monkeypatch.setattr("lakewright.runs.job.target_job.TargetJob.rows", fail)
    bench.put("a.csv", "id,name\n1,a\n")
    assert CANARY not in bench.run()["error"]
    assert bench.run("--show-values")["error"] == f"unexpected ValueError: {CANARY}"
