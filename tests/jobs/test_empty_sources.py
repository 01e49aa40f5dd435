"""A source without objects of the feed: every verb reports it, and the first run refuses it."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

from jobs.cli.entrypoint import run_as_script
from lakewright.sources.listing import describe_empty
from tests.conftest import Answer, command

EVENT = "t/year=2026/month=08/day=01/t+0+0000000000.json"
FEEDS: dict[str, dict[str, Any]] = {
    "csv_to_parquet": {
        "source": {"path": "raw/in/", "columns": {"id": "long"}, "file_name": "x_*.csv"},
        "target": {"path": "refined/out/"},
    },
    "flatten_events": {"source": {"path": "raw/in/", "topics": ["t"]}, "target": {"path": "refined/"}},
    "json_scrub": {"source": {"path": "raw/in/"}, "scrub": {"fields": ["email"]}},
    "cdc_to_hudi": {
        "source": {"path": "raw/in/", "time_column": "ts"},
        "target": {"path": "refined/hr/"},
        "tables": {"staff": {}},
    },
}


class Lake:
    """A lake, and a feed whose source is empty."""

    def __init__(self, root: Path, job: str, **changes: Any) -> None:
        self.root, self.job = root, job
        (root / "lake").mkdir()
        (root / "conf/feeds").mkdir(parents=True)
        (root / "conf/feeds/f.yaml").write_text(yaml.safe_dump({"job": job, **FEEDS[job], **changes}))
        self.where = ("f", "--lake", str(root / "lake"), "--config", str(root / "conf"))

    def put(self, path: str, body: bytes = b"x") -> Path:
        file = self.root / "lake" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        return file

    def command(self, verb: str, *arguments: str) -> Answer:
        return command(verb, *self.where, *arguments)


def put_staff(lake: Lake) -> None:
    changes = pa.table({"Op": ["I"], "ts": ["2026-08-01 00:00:00"], "id": [1]})
    pq.write_table(changes, lake.put("raw/in/staff/20260801-000000000.parquet"))


@pytest.mark.parametrize(
    ("job", "paths", "message"),
    [
        pytest.param("csv_to_parquet", [], "no objects found below raw/in/", id="csv-nothing"),
        pytest.param(
            "csv_to_parquet",
            ["x_1.CSV", "y_1.csv", "_x/x_1.csv"],
            "none of the 3 objects below raw/in/ is a source object of the feed: "
            "name does not match source.file_name (2), "
            "hidden: a folder or its name begins with _; source.hidden: read includes it (1); first raw/in/_x/x_1.csv",
            id="csv-other-names-and-hidden",
        ),
        pytest.param("flatten_events", [], "no objects found below raw/in/", id="events-nothing"),
        pytest.param(
            "flatten_events",
            ["t/t+0+0.avro", "stray.json", EVENT.replace("t+0", "u+0"), EVENT.replace("t", "u")],
            "none of the 4 objects below raw/in/ is an object of the sink: ",
            id="events-other-formats-topics-and-strays",
        ),
        pytest.param(
            "flatten_events",
            ["u/u+0+0.json"],
            "the only object below raw/in/ is not an object of the sink: source.topics does not match topic 'u' (1); "
            "first raw/in/u/u+0+0.json",
            id="events-another-topic",
        ),
        pytest.param("json_scrub", [], "no objects found below raw/in/", id="scrub-nothing"),
        pytest.param(
            "json_scrub",
            ["a.json", "b/c.json"],
            "none of the 2 objects below raw/in/ is an object to scrub: empty (2); first raw/in/a.json",
            id="scrub-empty-objects",
        ),
        pytest.param("cdc_to_hudi", [], "no objects found below raw/in/staff/", id="cdc-a-table-without-a-folder"),
        pytest.param(
            "cdc_to_hudi",
            ["staff/a.csv", "staff/2026/08/01/_SUCCESS"],
            "none of the 2 objects below raw/in/staff/ is a Parquet file of the table: "
            "hidden (1), not named .parquet (1); first raw/in/staff/2026/08/01/_SUCCESS",
            id="cdc-no-parquet",
        ),
    ],
)
def test_the_first_run_refuses_it_and_every_verb_reports_it(
    tmp_path: Path, job: str, paths: list[str], message: str
) -> None:
    lake = Lake(tmp_path, job)
    for path in paths:
        lake.put(f"raw/in/{path}", b"" if job == "json_scrub" else b"x")
    for verb in ("plan", "status", "run"):
        answer = lake.command(verb)
        assert (answer.exit_code, answer.last_line[: len(message) + 7]) == (3, f"error: {message}"), verb
        (entry,) = lake.command(verb, "--json").data
        assert (entry["feed"], entry["exit_code"]) == ("f", 3)
        assert entry["error"].startswith(message)
    has_target = job != "flatten_events"
    assert bool(entry["target"]) == has_target
    assert len(list(tmp_path.rglob("receipts/*.json"))) == (2 if has_target else 0)

    for verb in ("plan", "status", "run"):
        answer = lake.command(verb, "--set", "on_empty_source=ok")
        assert (answer.exit_code, answer.last_line[: len(message) + 9]) == (0, f"warning: {message}"), verb
        (entry,) = lake.command(verb, "--json", "--set", "on_empty_source=ok").data
        assert entry["exit_code"] == 0
        assert not entry["error"]
        assert entry["warnings"][0].startswith(message)


@pytest.mark.parametrize(
    ("job", "arrive"),
    [
        pytest.param("csv_to_parquet", lambda lake: lake.put("raw/in/x_1.csv", b"id\n1\n"), id="csv"),
        pytest.param("flatten_events", lambda lake: lake.put(f"raw/in/{EVENT}", b'{"a":1}\n'), id="events"),
        pytest.param("json_scrub", lambda lake: lake.put("raw/in/a.json", b'{"email":1}\n'), id="scrub"),
        pytest.param("cdc_to_hudi", put_staff, id="cdc"),
    ],
)
def test_after_the_first_commit_it_is_a_warning_unless_the_feed_refuses_it(
    tmp_path: Path, spark: SparkSession, job: str, arrive: Callable[[Lake], object]
) -> None:
    lake = Lake(tmp_path, job)
    arrive(lake)
    assert lake.command("run").exit_code == 0
    for file in (tmp_path / "lake/raw").rglob("*.*"):
        if file.is_file():
            file.unlink()
    for verb in ("plan", "status", "run"):
        answer = lake.command(verb)
        assert answer.exit_code == 0, verb
        assert answer.last_line.startswith("warning: no objects found below raw/in/"), verb
        answer = lake.command(verb, "--set", "on_empty_source=refuse")
        assert answer.exit_code == 3, verb
        assert answer.last_line.startswith("error: no objects found below raw/in/"), verb


def test_a_feed_without_any_table(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "cdc_to_hudi", tables={}, unconfigured="skip")
    assert lake.command("run").last_line == "error: no objects found below raw/in/"
    lake.put("raw/in/loose.parquet")
    lake.put("raw/in/staff/LOAD1.parquet")
    answer = lake.command("run", "--json")
    assert answer.exit_code == 3
    assert answer.data[0]["error"] == (
        "none of the 2 objects below raw/in/ is a file of a table of the feed: not in a table's folder (1), "
        "its table is not configured, and the feed skips such tables (1); first raw/in/loose.parquet"
    )


@pytest.mark.slow
def test_each_table_is_reported_separately(tmp_path: Path, spark: SparkSession) -> None:
    lake = Lake(tmp_path, "cdc_to_hudi", tables={"staff": {}, "stuff": {}})
    put_staff(lake)
    answer = lake.command("run", "--json")
    assert {receipt["target"]: receipt["exit_code"] for receipt in answer.data} == {"staff": 0, "stuff": 3}
    assert answer.last_line == "error: stuff: no objects found below raw/in/stuff/"


def test_a_requested_target_of_an_empty_source(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "flatten_events")
    for verb in ("run", "plan", "status", "receipt", "schema", "compact"):
        answer = lake.command(verb, "--target", "t", "--json")
        assert (answer.exit_code, answer.data[0]["error"]) == (3, "no objects found below raw/in/"), verb
    answer = lake.command("run", "--target", "t", "--set", "on_empty_source=ok")
    assert answer.exit_code == 2
    assert answer.last_line == "error: feed f has no target 't' now: no objects found below raw/in/"


def test_a_pattern_that_matches_no_topic_is_a_warning(tmp_path: Path, spark: SparkSession) -> None:
    lake = Lake(tmp_path, "flatten_events", source={"path": "raw/in/", "topics": ["t", "u*"]})
    lake.put(f"raw/in/{EVENT}", b'{"a":1}\n')
    answer = lake.command("run")
    assert answer.exit_code == 0
    assert answer.last_line == "warning: source.topics: the source has no object of a topic that matches 'u*'"
    answer = lake.command("run", "--date", "2027-01-01")
    assert answer.exit_code == 0
    assert answer.last_line == "warning: topic 't' has no objects of year=2027/month=01/day=01"
    assert "is of" not in lake.command("run", "--date", "2026-08-01").stderr


@pytest.mark.parametrize("job", ["csv_to_parquet", "flatten_events"])
def test_a_script_reports_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str], job: str) -> None:
    lake = Lake(tmp_path, job)
    for setting, exit_code, word in (("max_rejected=0", 3, "error"), ("on_empty_source=ok", 0, "warning")):
        where = ["--feed", *lake.where, "--set", setting]
        with pytest.raises(SystemExit) if exit_code else nullcontext() as ended:
            run_as_script(job, where)
        assert (ended.value.code if ended else 0) == exit_code
        printed = capsys.readouterr()
        assert json.loads(printed.out)["exit_code"] == exit_code
        last_line = printed.err.strip().splitlines()[-1]
        assert last_line.startswith(f"{word}: ")
        assert last_line.endswith("no objects found below raw/in/")


def test_a_missing_lake_is_another_error(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "csv_to_parquet")
    answer = command("run", "f", "--lake", str(tmp_path / "nowhere"), "--config", str(tmp_path / "conf"))
    assert (answer.exit_code, answer.last_line) == (2, f"error: no such lake: {tmp_path / 'nowhere'}")
    lake.put("raw/in", b"a file")
    assert lake.command("run").last_line == "error: no objects found below raw/in/"


def test_the_message_groups_reasons_on_one_line() -> None:
    reasons = {f"raw/{n}\n\udcff": f"reason {min(n, 4)}" for n in range(7)}
    assert describe_empty("raw/", reasons, expected="a test object") == (
        "none of the 7 objects below raw/ is a test object: reason 4 (3), reason 0 (1), reason 1 (1), "
        "other reasons (2); first raw/0\\n\\xff"
    )
