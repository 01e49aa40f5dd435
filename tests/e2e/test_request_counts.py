"""How many requests runs send to S3, as the server sees them: by job and situation, and by number of objects."""

import csv
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from lakewright.runs.lifecycle.attempt import Attempt
from tests.conftest import Answer, command
from tests.s3_server import BUCKET
from tests.served_requests import ServedRequests
from tests.suites import gxe, write_suite

pytestmark = pytest.mark.slow

#: Requests of a report: of the lake, of a feed, and of a target besides one per receipt of the reported days.
REPORT_OF_A_LAKE, REPORT_OF_A_FEED, REPORT_OF_A_TARGET = 1, 1, 7
#: The most requests of a run that finds nothing to do, whatever was done before; one more if rows are in quarantine.
IDLE = 6
GOOD, REJECTED = "id,name\n1,a\n2,b\n", "id,name\nx,a\n3,c\n"
CSV: dict[str, Any] = {
    "job": "csv_to_parquet",
    "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string"}},
    "target": {"path": "refined/people/", "partition_by": ["year", "month", "day"]},
}
APPENDED = CSV | {"target": CSV["target"] | {"fill": "append"}}
EVENTS: dict[str, Any] = {
    "job": "flatten_events",
    "source": {"path": "raw/topics/"},
    "target": {"path": "refined/"},
}
SCRUB: dict[str, Any] = {"job": "json_scrub", "source": {"path": "landing/"}, "scrub": {"fields": ["x"]}}


@dataclass
class CountedLake:
    """A lake in the bucket, and the number of requests of runs."""

    root: Path
    served: ServedRequests

    def feed(self, feed: dict[str, Any]) -> None:
        (self.root / "feeds").mkdir(exist_ok=True)
        (self.root / "feeds/counted.yaml").write_text(yaml.safe_dump(feed | {"max_rejected": 1.0}))

    def put(self, key: str, body: str | bytes) -> None:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"lake/{key}", Body=body)

    def put_csv(self, name: str, text: str = GOOD, day: int = 1) -> None:
        self.put(f"raw/people/year=2026/month=08/day={day:02}/{name}.csv", text)

    def put_events(self, start: int, *lines: str, day: int = 1) -> None:
        body = gzip.compress("\n".join(lines or ('{"n":1}', '{"n":2}')).encode())
        self.put(f"raw/topics/t/year=2026/month=08/day={day:02}/t+0+{start:010}.json.gz", body)

    def put_json(self, name: int) -> None:
        self.put(f"landing/{name}.json", json.dumps({"x": "secret", "n": name}))

    def run(self, *arguments: str, verb: str = "run") -> int:
        """Run, and return the number of requests."""
        self.served.requests.clear()
        answer = self.answer(verb, *arguments)
        assert answer.exit_code == 0, (answer.stderr, answer.stdout)
        return len(self.served.requests)

    def answer(self, verb: str, *arguments: str) -> Answer:
        return command(verb, "counted", "--lake", f"s3://{BUCKET}/lake", "--config", str(self.root), *arguments)


@pytest.fixture
def lake(tmp_path: Path, served: ServedRequests) -> CountedLake:
    return CountedLake(tmp_path, served)


def put_days(lake: CountedLake, numbers: range) -> None:
    for number in numbers:
        lake.put_csv("a", day=number + 1)


def put_days_of_events(lake: CountedLake, numbers: range) -> None:
    for number in numbers:
        lake.put_events(10 * number, day=number + 1)


def put_csvs(lake: CountedLake, numbers: range) -> None:
    for number in numbers:
        lake.put_csv(str(number))


def put_events_of_a_day(lake: CountedLake, numbers: range) -> None:
    for number in numbers:
        lake.put_events(10 * number)


def put_jsons(lake: CountedLake, numbers: range) -> None:
    for number in numbers:
        lake.put_json(number)


@pytest.mark.parametrize(
    ("feed", "put", "of_a_run", "of_an_object"),
    [
        pytest.param(CSV, put_days, 15, 3, id="csv-of-a-day-each: read it, stage a file, copy it"),
        pytest.param(CSV, put_csvs, 17, 1, id="csv-of-one-day: read it"),
        pytest.param(APPENDED, put_csvs, 17, 1, id="appended-csv-of-one-day: read it"),
        pytest.param(EVENTS, put_days_of_events, 13, 4, id="events-of-a-day-each: read it twice for its attributes"),
        pytest.param(EVENTS, put_events_of_a_day, 15, 2, id="events-of-one-day"),
        pytest.param(SCRUB, put_jsons, 11, 2, id="scrub: read it, replace it"),
    ],
)
def test_requests_of_first_runs_grow_with_the_objects(
    lake: CountedLake,
    bucket: Any,
    feed: dict[str, Any],
    put: Callable[[CountedLake, range], None],
    of_a_run: int,
    of_an_object: int,
) -> None:
    lake.feed(feed)
    for count in (1, 4, 16):
        put(lake, range(count))
        assert lake.run() <= of_a_run + of_an_object * count, lake.served.count()
        assert lake.run() <= IDLE, lake.served.count()
        bucket.objects.all().delete()


@pytest.mark.parametrize(
    ("feed", "put_before", "put_late", "most"),
    [
        pytest.param(
            CSV, put_csvs, lambda lake: lake.put_csv("late"), 16 + 20, id="a-csv-object-rebuilds-its-day-of-20"
        ),
        pytest.param(APPENDED, put_csvs, lambda lake: lake.put_csv("late"), 15, id="an-appended-csv-object"),
        pytest.param(CSV, put_csvs, lambda lake: lake.put_csv("new", day=2), 15, id="a-csv-object-of-a-new-day"),
        pytest.param(
            APPENDED, put_csvs, lambda lake: lake.put_csv("late", REJECTED), 17, id="a-csv-object-with-rejected-rows"
        ),
        pytest.param(EVENTS, put_events_of_a_day, lambda lake: lake.put_events(9_000), 12, id="events-of-an-old-day"),
        pytest.param(
            EVENTS, put_events_of_a_day, lambda lake: lake.put_events(9_000, "{", '{"n":1}'), 14, id="rejected-events"
        ),
        pytest.param(
            EVENTS, put_events_of_a_day, lambda lake: lake.put_events(9_000, '{"m":1}'), 15, id="a-new-attribute"
        ),
        pytest.param(SCRUB, put_jsons, lambda lake: lake.put_json(99), 12, id="an-object-to-scrub"),
    ],
)
def test_one_more_object_costs_few_requests(
    lake: CountedLake,
    feed: dict[str, Any],
    put_before: Callable[[CountedLake, range], None],
    put_late: Callable[[CountedLake], None],
    most: int,
) -> None:
    lake.feed(feed)
    put_before(lake, range(20))
    lake.run()
    put_late(lake)
    assert lake.run() <= most, lake.served.count()
    assert lake.run() <= IDLE + has_rejected_rows(lake), lake.served.count()


def has_rejected_rows(lake: CountedLake) -> bool:
    return bool(list(boto3.resource("s3").Bucket(BUCKET).objects.filter(Prefix="lake/quarantine/")))


@pytest.mark.parametrize(
    ("before", "late", "is_listed"),
    [
        pytest.param([], lambda lake: lake.put_events(90), False, id="late-events"),
        pytest.param([], lambda lake: lake.put_events(90, "{", '{"n":1}'), False, id="rejected-events"),
        pytest.param([], lambda lake: lake.put_events(90, '{"m":1}'), True, id="read-again-for-a-new-attribute"),
        pytest.param([], lambda lake: lake.put_events(0, '{"n":7}'), True, id="a-rewritten-object"),
        pytest.param(["plan"], lambda lake: lake.put_events(90), True, id="an-open-batch"),
        pytest.param(["replay"], lambda lake: lake.put_events(90), True, id="after-a-replay"),
    ],
)
def test_staging_is_listed_only_if_something_may_be_left(
    lake: CountedLake,
    monkeypatch: pytest.MonkeyPatch,
    before: list[str],
    late: Callable[[CountedLake], None],
    is_listed: bool,
) -> None:
    lake.feed(EVENTS)
    put_events_of_a_day(lake, range(2))
    lake.run()
    if "replay" in before:
        lake.run(verb="replay")
    late(lake)
    if "plan" in before:
        with monkeypatch.context() as patch:
            patch.setattr(Attempt, "__call__", lambda _: 1 / 0)
            assert lake.answer("run").exit_code == 1
    lake.run()
    listed = [each.key for each in lake.served.requests if each.operation == "LIST"]
    assert ("lake/refined/_staging/counted/t/" in listed) is is_listed, listed


def test_batches_before_a_run_cost_no_requests(lake: CountedLake) -> None:
    lake.feed(APPENDED)
    counted = []
    for number in range(12):
        lake.put_csv(str(number))
        counted.append(lake.run())
    assert counted[1:] == [15] * 11
    assert lake.run() <= IDLE


def test_a_catalog_costs_one_request_of_an_idle_run(lake: CountedLake) -> None:
    lake.feed(CSV | {"target": CSV["target"] | {"catalog": {"database": "counted", "table": "people"}}})
    put_csvs(lake, range(1))
    assert lake.run() <= 22
    put_csvs(lake, range(1, 2))
    assert lake.run() <= 20
    assert lake.run() <= IDLE + 1


def test_a_gate_reads_each_staged_file_once(lake: CountedLake) -> None:
    suite = write_suite(lake.root, "people", gxe.ExpectColumnMaxToBeBetween(column="id", max_value=9))
    (lake.root / "quality").mkdir()
    (lake.root / "quality/people.json").write_bytes(suite.read_bytes())
    lake.feed(APPENDED | {"gates": {"suite": "people"}})
    counted = []
    for days in (range(1), range(1, 5), range(5, 21)):
        put_days(lake, days)
        counted.append(lake.run())
    assert counted[1] <= 13 + 4 * 4
    assert counted[2] <= 13 + 4 * 16


def test_a_replay_costs_few_requests(lake: CountedLake) -> None:
    lake.feed(APPENDED)
    lake.put_csv("a", REJECTED)
    lake.run()
    sheet, edited = lake.root / "sheet.csv", lake.root / "edited.csv"
    assert lake.run("--csv", str(sheet), verb="quarantine") <= 4
    with sheet.open(newline="") as rows, edited.open("w", newline="") as changed:
        csv.writer(changed).writerows(["2" if cell == "x" else cell for cell in row] for row in csv.reader(rows))
    assert lake.run("--csv", str(edited), verb="replay") <= 39, lake.served.count()
    assert lake.run() <= IDLE + 2, "corrections are listed, and the manifest is read"


def test_a_report_costs_few_requests_per_target_however_much_waits(lake: CountedLake, bucket: Any) -> None:
    lake.feed(CSV | {"target": CSV["target"] | {"catalog": {"database": "counted", "table": "people"}}})
    put_csvs(lake, range(1))
    for runs in (1, 2, 3):
        put_days(lake, range(10 * runs - 10, 10 * runs))
        lake.run()
        put_csvs(lake, range(10, 30))
        lake.served.requests.clear()
        answer = command("report", "--json", "--lake", f"s3://{BUCKET}/lake", "--config", str(lake.root))
        assert answer.exit_code == 0, (answer.stderr, answer.stdout)
        assert answer.data["feeds"][0]["targets"][0]["waiting"]["objects"] == 20, "none of them is opened"
        most = REPORT_OF_A_LAKE + REPORT_OF_A_FEED + REPORT_OF_A_TARGET + runs
        assert len(lake.served.requests) <= most, lake.served.requests
        for number in range(10, 30):
            bucket.Object(f"lake/raw/people/year=2026/month=08/day=01/{number}.csv").delete()


@pytest.mark.parametrize(
    ("feed", "put", "of_a_plan", "of_objects"),
    [
        pytest.param(
            CSV, put_csvs, 6, 21, id="csv: the header of each object, and of one in a partition that is rebuilt"
        ),
        pytest.param(EVENTS, put_events_of_a_day, 6, 8, id="events: a sample of eight objects"),
    ],
)
def test_plans_read_heads_and_samples_only(
    lake: CountedLake,
    feed: dict[str, Any],
    put: Callable[[CountedLake, range], None],
    of_a_plan: int,
    of_objects: int,
) -> None:
    lake.feed(feed)
    put(lake, range(1))
    for _ in range(2):  # of an idle run
        lake.run()
    assert lake.run(verb="plan") <= IDLE, lake.served.count()
    put(lake, range(1, 21))
    assert lake.run(verb="plan") <= of_a_plan + of_objects, lake.served.count()
    assert lake.served.count().keys() <= {"LIST", "GET", "HEAD"}
