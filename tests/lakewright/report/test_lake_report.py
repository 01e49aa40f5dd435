"""The report of a lake: every feed in its health, and what cannot be read takes nothing else down."""

import json
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakewright.measuring.runtime import Runtime
from lakewright.measuring.usage import Usage
from lakewright.report.history import time_of_run
from tests.conftest import Answer, command
from tests.lakewright.report.lakes import GOOD, REJECTED, ReportedLake, fill_with_every_health

HOUR = timedelta(hours=1)
LONG = "long" * 50
IMAGE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def lake(tmp_path: Path) -> ReportedLake:
    return ReportedLake(tmp_path)


@pytest.mark.parametrize("later", [pytest.param("run", id="refused"), pytest.param("compact", id="compacted")])
def test_the_last_commit_of_rows_is_known_without_its_receipt(lake: ReportedLake, later: str) -> None:
    lake.feed("people")
    for name in ("a.csv", "b.csv"):
        lake.put(name=name)
        assert lake.run("people") == 0
    receipts = sorted((lake.lake / "state/people/people/receipts").iterdir())
    if later == "run":
        lake.put(REJECTED, name="c.csv")
    place = ("--lake", str(lake.lake), "--config", str(lake.conf))
    assert command(later, "people", *place).exit_code == (3 if later == "run" else 0)
    for receipt in receipts:
        receipt.unlink()
    (feed,) = lake.report().data["feeds"]
    assert feed["targets"][0]["committed"] == time_of_run(receipts[-1].stem).isoformat()


def test_every_health(lake: ReportedLake) -> None:
    fill_with_every_health(lake)
    with lake.lease("payments"):
        answer = lake.report()
    report = answer.data
    assert {feed["feed"]: feed["health"] for feed in report["feeds"]} == {
        IMAGE: "failing",
        "invoices": "failing",
        "ledger": "unreadable",
        LONG: "unreadable",
        "suppliers": "unreadable",
        "customers": "refused",
        "shipments": "open",
        "stock_levels": "behind",
        "returns": "never run",
        "visits": "never run",
        "former_feed": "orphaned",
        "payments": "running",
        "orders": "ok",
        "sensors": "ok",
    }
    assert [(need["what"], need["feed"]) for need in report["needs"]] == [
        ("failing", "invoices"),
        ("failing", IMAGE),
        ("unreadable", "ledger"),
        ("unreadable", LONG),
        ("unreadable", "suppliers"),
        ("refused", "customers"),
        ("open", "shipments"),
        ("behind", "stock_levels"),
        ("never run", "returns"),
        ("quarantine", "customers"),
        ("quarantine", "sensors"),
        ("orphaned", "former_feed"),
    ]
    assert answer.exit_code == report["exit_code"] == 2, "of the feed that cannot be read; failed runs do not count"
    totals = [feed["total"] for feed in report["feeds"]]
    assert report["total"]["runs"] == sum(total["runs"] for total in totals)
    assert report["total"]["cost"] == pytest.approx(sum(total["cost"] or 0 for total in totals))
    assert sum(day["cost"] or 0 for day in report["per_day"]) == pytest.approx(report["total"]["cost"])


def test_what_a_target_says(lake: ReportedLake) -> None:
    lake.feed("people", max_rejected=1.0)
    lake.put("id,name\n1,a\nx,b\n")
    assert lake.run("people") == 0
    lake.put(GOOD, name="b.csv")
    (feed,) = lake.report().data["feeds"]
    (target,) = feed["targets"]
    assert (target["health"], target["why"], target["is_overdue"]) == ("behind", "1 object waits", False)
    assert target["waiting"] == {"objects": 1, "bytes": len(GOOD), "corrections": 0, "refused": {}}
    assert (target["quarantine"]["rows"], target["quarantine"]["rules"][0]["rule"]) == (1, "id: type")
    assert (target["table"]["rows"], target["table"]["files"], target["open_batch"]) == (1, 1, None)
    assert (target["last_run"]["status"], target["last_run"]["exit_code"]) == ("committed", 0)
    assert 0 <= target["committed_seconds_ago"] < 300


@pytest.mark.parametrize(
    ("arguments", "feeds", "exit_code"),
    [
        pytest.param((), ["kept", "removed"], 0, id="all feeds, and those that only have state"),
        pytest.param(("kept",), ["kept"], 0, id="one feed"),
        pytest.param(("removed",), ["removed"], 0, id="a feed that only has state"),
        pytest.param(("kepd",), None, 2, id="a feed that does not exist"),
        pytest.param(("--days", "0"), None, 2, id="no day"),
    ],
)
def test_the_feeds_of_a_report(
    lake: ReportedLake, arguments: tuple[str, ...], feeds: list[str] | None, exit_code: int
) -> None:
    lake.feed("kept")
    lake.receipt("removed", HOUR)
    answer = lake.report(*arguments)
    assert answer.exit_code == exit_code
    if feeds is None:
        assert "did you mean 'kept'?" in answer.stderr or "--days" in answer.stderr
    else:
        assert sorted(feed["feed"] for feed in answer.data["feeds"]) == feeds


def test_a_renamed_target_is_orphaned_beside_the_new_one(lake: ReportedLake) -> None:
    lake.feed("people")
    lake.receipt("people", HOUR, target="persons")
    (feed,) = lake.report().data["feeds"]
    assert {target["target"]: target["health"] for target in feed["targets"]} == {
        "people": "never run",
        "persons": "orphaned",
    }


def test_selected_objects_have_a_log_of_their_own_and_are_shown_while_they_are_recent(lake: ReportedLake) -> None:
    lake.feed("people")
    lake.failed("people", HOUR, target="people-0123abcd")
    lake.failed("people", 30 * 24 * HOUR, target="people-4567abcd")
    (feed,) = lake.report().data["feeds"]
    assert {target["target"]: target["health"] for target in feed["targets"]} == {
        "people": "never run",
        "people-0123abcd": "failing",
    }


def test_a_folder_without_log_and_receipts_is_no_target(lake: ReportedLake) -> None:
    lake.feed("people")
    (lake.lake / "state/people/manifests").mkdir(parents=True)
    (lake.lake / "state/people/manifests/many.json").write_text("[]")
    (feed,) = lake.report().data["feeds"]
    assert [target["target"] for target in feed["targets"]] == ["people"]


def test_a_source_out_of_reach_is_shown_as_such(lake: ReportedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakewright.aws.outages.PATIENCE_SECONDS", 0.1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    lake.feed("near")
    lake.put()
    lake.feed("far", source={"path": "s3://nowhere/raw/", "columns": {"id": "long"}})
    lake.receipt("far", HOUR)
    answer = lake.report()
    healths = {feed["feed"]: feed["health"] for feed in answer.data["feeds"]}
    assert (healths, answer.exit_code) == ({"near": "never run", "far": "unreadable"}, 5)
    assert "bucket nowhere has not answered" in answer.data["problems"][0]
    (far,) = [feed["targets"][0] for feed in answer.data["feeds"] if feed["feed"] == "far"]
    assert (far["waiting"], far["last_run"]["status"]) == (None, "committed")


def test_a_feed_that_needs_spark_shows_its_last_run_without_it(
    lake: ReportedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "jobs.csv_to_parquet", raising=False)
    monkeypatch.setitem(sys.modules, "lakewright.csv.format", None)
    monkeypatch.setattr("jobs.cli.reported_feeds._SPARK", ("lakewright.csv.format",))
    lake.feed("people")
    lake.receipt("people", HOUR)
    answer = lake.report()
    (feed,) = answer.data["feeds"]
    assert (feed["health"], answer.exit_code) == ("unreadable", 2)
    assert "needs Spark, which is not installed" in feed["error"]
    assert feed["targets"][0]["last_run"]["status"] == "committed"


def test_wrong_prices_hide_nothing_but_the_cost(lake: ReportedLake) -> None:
    (lake.conf / "prices.yaml").write_text("format: 1\nglue: {}\n")
    lake.feed("people")
    lake.receipt("people", HOUR)
    answer = lake.report()
    assert (answer.exit_code, answer.data["total"]["runs"], answer.data["total"]["cost"]) == (2, 1, None)
    assert "prices.yaml" in answer.data["problems"][0]


def test_a_clock_that_was_ahead(lake: ReportedLake) -> None:
    lake.feed("people")
    lake.receipt("people", HOUR)
    lake.failed("people", -24 * HOUR)
    report = lake.report().data
    assert report["feeds"][0]["health"] == "ok"
    assert report["warnings"][0].startswith("people → people: 1 receipt of the future not read, first state/people/")
    assert report["total"]["runs"] == 1


def test_targets_of_a_process_are_billed_once(lake: ReportedLake) -> None:
    lake.price()
    for target in ("one", "two"):
        usage = Usage(seconds=100.0)
        lake.receipt("feed", timedelta(0), target=target, process="p", usage=usage, runtime=Runtime("glue", "G.1X", 2))
    (feed,) = lake.report().data["feeds"]
    assert feed["total"]["cost"] == pytest.approx(2 * 100 * 0.44 / 3600)
    assert [target["total"]["cost"] for target in feed["targets"]] == [pytest.approx(100 * 0.44 / 3600)] * 2


def test_runs_without_a_known_cost_are_named(lake: ReportedLake) -> None:
    lake.price()
    lake.receipt("feed", HOUR / 60)
    lake.receipt("feed", HOUR / 60, runtime=Runtime())
    assert "not included: 1 run whose receipts do not say where they ran" in lake.report().data["cost_notes"]


def test_300_targets(lake: ReportedLake) -> None:
    for number in range(300):
        lake.failed("many", HOUR, target=f"t{number:03}", error="the same")
    lake.feed("many")
    report = lake.report().data
    (feed,) = report["feeds"]
    assert (len(feed["targets"]), report["total"]["failed"]) == (301, 300)
    (orphans,) = [need for need in report["needs"] if need["what"] == "orphaned"]
    assert len(orphans["targets"]) == 300, "what is the same for many targets is said once"


def test_reports_while_runs_are_running(lake: ReportedLake) -> None:
    lake.feed("people")
    stop, answers = threading.Event(), list[Answer]()

    def write() -> Iterator[None]:
        for number in range(6):
            lake.put(GOOD, name=f"{number}.csv")
            lake.run("people")
            yield

    def report() -> None:
        from jobs.cli.reported_feeds import reported_feeds
        from lakewright.config_files import Conf
        from lakewright.report.lake_report import report_lake

        conf = Conf(str(lake.conf))
        while not stop.is_set():
            now = datetime.now(lake.now.tzinfo)
            answers.append(report_lake(lake.storage, reported_feeds(lake.storage, conf, ()), conf, days=1, now=now))

    threads = [threading.Thread(target=report) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in write():
        pass
    stop.set()
    for thread in threads:
        thread.join()
    seen: set[Any] = {answer["feeds"][0]["health"] for answer in answers}
    assert answers
    assert seen <= {"never run", "behind", "running", "ok"}, seen
    assert all(answer["exit_code"] == 0 for answer in answers)


def test_text(lake: ReportedLake) -> None:
    fill_with_every_health(lake)
    answer = command("report", "--lake", str(lake.lake), "--config", str(lake.conf))
    lines = [line.strip() for line in answer.stdout.splitlines()]
    assert "2 failing, 3 unreadable, 1 refused, 1 open, 1 behind, 3 never run, 1 orphaned, 2 ok" in answer.stdout
    assert any(line.startswith("1. failing") and "could not be reached" in line for line in lines)
    assert "fix the cause, then run it: lakewright run '<img src=x onerror=alert(1)>'" in lines
    assert "\u202e" not in answer.stdout


def test_text_of_an_empty_lake(lake: ReportedLake) -> None:
    answer = command("report", "--lake", str(lake.lake), "--config", str(lake.conf))
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert "no feeds" in answer.stdout


def test_html_is_written_beside_the_answer(lake: ReportedLake) -> None:
    lake.feed("people", max_rejected=1.0)
    lake.put(REJECTED)
    lake.run("people")
    page = lake.root / "page.html"
    answer = lake.report("--html", str(page))
    assert answer.data["health"] == {"ok": 1}
    assert "lakewright quarantine people" in page.read_text()
    assert lake.report("--html", str(lake.root / "none/page.html")).exit_code == 2


def test_report_writes_nothing_to_the_lake(lake: ReportedLake) -> None:
    fill_with_every_health(lake)
    before = {path: path.stat().st_mtime_ns for path in lake.lake.rglob("*")}
    assert json.dumps(lake.report().data)
    assert {path: path.stat().st_mtime_ns for path in lake.lake.rglob("*")} == before
