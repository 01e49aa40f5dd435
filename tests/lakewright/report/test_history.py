"""Which receipts a report reads, and what it makes of damaged ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakewright.report.history import MOST_RECEIPTS, PastRun, history_of, list_receipts, read_past_run
from lakewright.report.problems import Problem
from lakewright.storage.local import LocalLake
from tests.lakewright.runs.test_receipts import WITHOUT_FORMAT

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
FOLDER = "state/f/t/receipts/"
FUTURE, TODAY, WEEK, MONTH = (
    f"{NOW - timedelta(hours=hours):%Y%m%dT%H%M%S%f}Z-0a1b2c3d" for hours in (-1, 1, 7 * 24, 30 * 24)
)


@pytest.fixture
def lake(tmp_path: Path) -> LocalLake:
    return LocalLake(str(tmp_path))


@pytest.mark.parametrize(
    ("runs", "read", "ahead"),
    [
        pytest.param([MONTH, WEEK, TODAY], [WEEK, TODAY], [], id="those of the days that are reported"),
        pytest.param([MONTH], [MONTH], [], id="the last one, if there is none of these days"),
        pytest.param([], [], [], id="no run yet"),
        pytest.param([TODAY, FUTURE], [TODAY], [FUTURE], id="a receipt of the future is not read"),
        pytest.param([MONTH, FUTURE], [MONTH], [FUTURE], id="nor is it the last one"),
        pytest.param(["20269999T999999999999Z-0a1b2c3d", TODAY], [TODAY], [], id="the name is not of a run"),
    ],
)
def test_the_receipts_that_a_report_reads(lake: LocalLake, runs: list[str], read: list[str], ahead: list[str]) -> None:
    for run in runs:
        lake.create(f"{FOLDER}{run}.json", b"{}")
    lake.create(f"{FOLDER}{TODAY}.inputs.json.gz", b"a manifest of inputs")
    listed = list_receipts(lake, "state/f/t/", since=(NOW - timedelta(days=7)).date(), now=NOW)
    assert [path.removeprefix(FOLDER).removesuffix(".json") for path in listed.paths] == read
    assert [path.removeprefix(FOLDER).removesuffix(".json") for path in listed.ahead] == ahead


def test_of_many_receipts_the_latest_are_read(lake: LocalLake) -> None:
    folder = Path(lake.uri, FOLDER)
    folder.mkdir(parents=True)
    names = [f"20261127T1000{number:08d}Z-0a1b2c3d.json" for number in range(MOST_RECEIPTS + 200)]
    for name in names:
        (folder / name).touch()
    listed = list_receipts(lake, "state/f/t/", since=NOW.date(), now=NOW)
    assert [path.removeprefix(FOLDER) for path in listed.paths] == names[200:]
    assert listed.not_read == {NOW.date(): 200}, "a report says of which days runs are missing"


def test_a_receipt_of_an_earlier_version_is_read(lake: LocalLake) -> None:
    lake.create(f"{FOLDER}{TODAY}.json", WITHOUT_FORMAT)
    run = read_past_run(lake, f"{FOLDER}{TODAY}.json")
    assert isinstance(run, PastRun)
    assert (run.counts.read, run.process, run.runtime.platform, round(run.lasted, 3)) == (3, "", "", 0.312)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(WITHOUT_FORMAT[:300], id="truncated"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(WITHOUT_FORMAT.replace(b'"2026-11-01T10:10:10+00:00"', b'"yesterday"'), id="no time"),
        pytest.param(WITHOUT_FORMAT.replace(b"10:10:10+00:00", b"10:10:10"), id="a time without time zone"),
        pytest.param(WITHOUT_FORMAT.replace(b'"read": 0.3', b'"read": 1e308'), id="seconds that no run lasts"),
        pytest.param(WITHOUT_FORMAT.replace(b'"read": 0.3', b'"read": -9'), id="negative seconds"),
        pytest.param(WITHOUT_FORMAT.replace(b'"rejected": 1', b'"rejected": -1', 1), id="negative rows"),
    ],
)
def test_a_damaged_receipt_is_a_problem_and_others_are_read(lake: LocalLake, body: bytes) -> None:
    damaged, intact = f"{FOLDER}{MONTH}.json", f"{FOLDER}{TODAY}.json"
    lake.create(damaged, body)
    lake.create(intact, WITHOUT_FORMAT)
    listed = list_receipts(lake, "state/f/t/", since=(NOW - timedelta(days=40)).date(), now=NOW)
    history = history_of(listed, [read_past_run(lake, path) for path in listed.paths])
    assert (len(history.runs), history.damaged) == (1, [MONTH])
    assert history.problems[0].text.startswith(f"{damaged} is not a valid receipt")
    assert history.problems[0].exit_code == 1


def test_a_receipt_that_was_deleted_meanwhile_is_no_problem(lake: LocalLake) -> None:
    assert not isinstance(read_past_run(lake, f"{FOLDER}{TODAY}.json"), PastRun | Problem)
