"""A source at which nothing is the feed's: every verb says so, and the first run refuses it."""

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
    """A lake, and a feed that finds nothing there."""

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
    ("job", "paths", "found"),
    [
        pytest.param("csv_to_parquet", [], "no object lies below raw/in/", id="csv-nothing"),
        pytest.param(
            "csv_to_parquet",
            ["x_1.CSV", "y_1.csv", "_x/x_1.csv"],
            "3 objects lie below raw/in/, none of them is one of the feed's: name does not match source.file_name (2), "
            "hidden: a folder or its name begins with _; source.hidden: take reads it (1); first raw/in/_x/x_1.csv",
            id="csv-other-names-and-hidden",
        ),
        pytest.param("flatten_events", [], "no object lies below raw/in/", id="events-nothing"),
        pytest.param(
            "flatten_events",
            ["t/t+0+0.avro", "stray.json", EVENT.replace("t+0", "u+0"), EVENT.replace("t", "u")],
            "4 objects lie below raw/in/, none of them is one of the sink's: ",
            id="events-other-formats-topics-and-strays",
        ),
        pytest.param(
            "flatten_events",
            ["u/u+0+0.json"],
            "1 object lies below raw/in/, and it is not one of the sink's: source.topics does not name topic 'u' (1); "
            "first raw/in/u/u+0+0.json",
            id="events-another-topic",
        ),
        pytest.param("json_scrub", [], "no object lies below raw/in/", id="scrub-nothing"),
        pytest.param(
            "json_scrub",
            ["a.json", "b/c.json"],
            "2 objects lie below raw/in/, none of them is one to scrub: empty (2); first raw/in/a.json",
            id="scrub-empty-objects",
        ),
        pytest.param("cdc_to_hudi", [], "no object lies below raw/in/staff/", id="cdc-a-table-without-a-folder"),
        pytest.param(
            "cdc_to_hudi",
            ["staff/a.csv", "staff/2026/08/01/_SUCCESS"],
            "2 objects lie below raw/in/staff/, none of them is a Parquet file of the table: "
            "hidden (1), not named .parquet (1); first raw/in/staff/2026/08/01/_SUCCESS",
            id="cdc-no-parquet",
        ),
    ],
)
def test_the_first_run_refuses_it_and_every_verb_says_so(
    tmp_path: Path, job: str, paths: list[str], found: str
) -> None:
    lake = Lake(tmp_path, job)
    for path in paths:
        lake.put(f"raw/in/{path}", b"" if job == "json_scrub" else b"x")
    for verb in ("plan", "status", "run"):
        answer = lake.command(verb)
        assert (answer.exit_code, answer.last_line[: len(found) + 7]) == (3, f"error: {found}"), verb
        (told,) = lake.command(verb, "--json").data
        assert (told["feed"], told["exit_code"]) == ("f", 3)
        assert told["error"].startswith(found)
    has_target = job != "flatten_events"
    assert bool(told["target"]) == has_target
    assert len(list(tmp_path.rglob("receipts/*.json"))) == (2 if has_target else 0)

    for verb in ("plan", "status", "run"):
        answer = lake.command(verb, "--set", "on_empty_source=ok")
        assert (answer.exit_code, answer.last_line[: len(found) + 9]) == (0, f"warning: {found}"), verb
        (told,) = lake.command(verb, "--json", "--set", "on_empty_source=ok").data
        assert told["exit_code"] == 0
        assert not told["error"]
        assert told["warnings"][0].startswith(found)


@pytest.mark.parametrize(
    ("job", "arrive"),
    [
        pytest.param("csv_to_parquet", lambda lake: lake.put("raw/in/x_1.csv", b"id\n1\n"), id="csv"),
        pytest.param("flatten_events", lambda lake: lake.put(f"raw/in/{EVENT}", b'{"a":1}\n'), id="events"),
        pytest.param("json_scrub", lambda lake: lake.put("raw/in/a.json", b'{"email":1}\n'), id="scrub"),
        pytest.param("cdc_to_hudi", put_staff, id="cdc"),
    ],
)
def test_later_it_is_fine_unless_the_feed_says_otherwise(
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
        assert answer.last_line.startswith("warning: no object lies below raw/in/"), verb
        answer = lake.command(verb, "--set", "on_empty_source=refuse")
        assert answer.exit_code == 3, verb
        assert answer.last_line.startswith("error: no object lies below raw/in/"), verb


def test_a_feed_of_tables_without_any(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "cdc_to_hudi", tables={}, unconfigured="skip")
    assert lake.command("run").last_line == "error: no object lies below raw/in/"
    lake.put("raw/in/loose.parquet")
    lake.put("raw/in/staff/LOAD1.parquet")
    answer = lake.command("run", "--json")
    assert answer.exit_code == 3
    assert answer.data[0]["error"] == (
        "2 objects lie below raw/in/, none of them is of a table of the feed: not in a table's folder (1), "
        "its table is not configured, and the feed skips such tables (1); first raw/in/loose.parquet"
    )


def test_each_table_by_itself(tmp_path: Path, spark: SparkSession) -> None:
    lake = Lake(tmp_path, "cdc_to_hudi", tables={"staff": {}, "stuff": {}})
    put_staff(lake)
    answer = lake.command("run", "--json")
    assert {found["target"]: found["exit_code"] for found in answer.data} == {"staff": 0, "stuff": 3}
    assert answer.last_line == "error: stuff: no object lies below raw/in/stuff/"


def test_a_target_of_a_feed_that_finds_none(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "flatten_events")
    for verb in ("run", "plan", "status", "receipt", "schema", "compact"):
        answer = lake.command(verb, "--target", "t", "--json")
        assert (answer.exit_code, answer.data[0]["error"]) == (3, "no object lies below raw/in/"), verb
    answer = lake.command("run", "--target", "t", "--set", "on_empty_source=ok")
    assert answer.exit_code == 2
    assert answer.last_line == "error: feed f has no target 't' now: no object lies below raw/in/"


def test_a_pattern_that_no_topic_matches_is_told(tmp_path: Path, spark: SparkSession) -> None:
    lake = Lake(tmp_path, "flatten_events", source={"path": "raw/in/", "topics": ["t", "u*"]})
    lake.put(f"raw/in/{EVENT}", b'{"a":1}\n')
    answer = lake.command("run")
    assert answer.exit_code == 0
    assert answer.last_line == "warning: source.topics: no object lies there of a topic like 'u*'"
    answer = lake.command("run", "--date", "2027-01-01")
    assert answer.exit_code == 0
    assert answer.last_line == "warning: topic 't' has no objects of year=2027/month=01/day=01"
    assert "is of" not in lake.command("run", "--date", "2026-08-01").stderr


@pytest.mark.parametrize("job", ["csv_to_parquet", "flatten_events"])
def test_a_script_says_so_too(tmp_path: Path, capsys: pytest.CaptureFixture[str], job: str) -> None:
    lake = Lake(tmp_path, job)
    for setting, exit_code, word in (("max_rejected=0", 3, "error"), ("on_empty_source=ok", 0, "warning")):
        where = ["--feed", *lake.where, "--set", setting]
        with pytest.raises(SystemExit) if exit_code else nullcontext() as ended:
            run_as_script(job, where)
        assert (ended.value.code if ended else 0) == exit_code
        told = capsys.readouterr()
        assert json.loads(told.out)["exit_code"] == exit_code
        last = told.err.strip().splitlines()[-1]
        assert last.startswith(f"{word}: ")
        assert last.endswith("no object lies below raw/in/")


def test_what_is_not_there_is_something_else(tmp_path: Path) -> None:
    lake = Lake(tmp_path, "csv_to_parquet")
    answer = command("run", "f", "--lake", str(tmp_path / "nowhere"), "--config", str(tmp_path / "conf"))
    assert (answer.exit_code, answer.last_line) == (2, f"error: no such lake: {tmp_path / 'nowhere'}")
    lake.put("raw/in", b"a file")
    assert lake.command("run").last_line == "error: no object lies below raw/in/"


def test_how_an_empty_source_is_described() -> None:
    reasons = {f"raw/{n}\n\udcff": f"reason {min(n, 4)}" for n in range(7)}
    assert describe_empty("raw/", reasons, whose="one of ours") == (
        "7 objects lie below raw/, none of them is one of ours: reason 4 (3), reason 0 (1), reason 1 (1), "
        "other reasons (2); first raw/0\\n\\xff"
    )
