import io
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import settings
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from lanes.lane import DEFAULT, lane_named
from tests.lanes.needs import markers_of
from tests.quarantine import quarantined_rows
from tests.spared import spare_repeated_work
from tests.spark_jvm import set_jvm_options

#: A second copy of a session fixture, imported by a test module, would start a second server under the first one.
pytest_plugins = ["tests.s3_server"]

os.environ["TZ"] = "UTC"
time.tzset()
set_jvm_options()
spare_repeated_work()

ROOT = Path(__file__).parents[1]
#: The jars of the lane under test; by default those of `make setup`.
JARS = os.environ.setdefault("LAKEWRIGHT_JARS", str(ROOT / "jars"))
RECEIPTS = ("state/people/people/receipts/", "state/people/people/manifests/")
LOG = tuple(f"state/people/people/log/{name}" for name in ("0", "head", "replayed"))


# A busy machine is no error of the code.
settings.register_profile("all", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=20)


def pytest_configure(config: pytest.Config) -> None:
    """Run hypothesis tests with fewer examples in ``make test-fast``."""
    settings.load_profile("fast" if config.getoption("markexpr") == "not slow" else "all")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run in the lane under test, with its reason; the default lane lacks nothing."""
    lacks = lane_named(os.environ.get("LAKEWRIGHT_LANE", DEFAULT)).lacks
    for item in items:
        for marker in markers_of(item):
            item.add_marker(marker)
        for marker, reason in lacks.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def examples(count: int) -> int:
    """Return the number of examples; the fast tests use a fifth of it."""
    return max(1, count // 5) if settings.get_current_profile_name() == "fast" else count


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from lakewright.engine.spark.session import get_session

    session = get_session()
    session.conf.set("spark.sql.shuffle.partitions", 2)
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def no_requests_of_earlier_tests() -> None:
    """Forget requests outside of runs, which would count for the next run."""
    from lakewright.measuring.meters import current_meter

    current_meter().take_requests()


@pytest.fixture(autouse=True)
def receipts_follow_the_schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Validate every receipt that a run of the test writes in this process."""
    from lakewright.runs import journal
    from tests.receipts import problems_with

    problems: list[str] = []
    write = journal.write_receipt

    def validate_and_write(lake: Any, folder: str, receipt: Any) -> None:
        problems.extend(problems_with(receipt))
        write(lake, folder, receipt)

    monkeypatch.setattr(journal, "write_receipt", validate_and_write)
    yield
    assert problems == []


@dataclass
class Answer:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        return json.loads(self.stdout)

    @property
    def last_line(self) -> str:
        return self.stderr.strip().splitlines()[-1]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def command(*arguments: str) -> Answer:
    """Run the command line in this process."""
    from jobs.cli.verbs import app

    result = CliRunner().invoke(app, list(arguments))
    return Answer(result.exit_code, result.stdout, result.stderr)


def freeze_day(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    """Fix the day on which new batches are planned."""
    frozen = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    monkeypatch.setattr("lakewright.runs.job.request.datetime", SimpleNamespace(now=lambda zone: frozen))


@dataclass
class Bench:
    """A separate lake and config folder for one test."""

    root: Path
    spark: SparkSession

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    def feed(self, **changes: Any) -> None:
        """Write the feed ``people``; ``__`` in the names of changes separates nested keys."""
        feed: dict[str, Any] = {
            "job": "csv_to_parquet",
            "source": {"path": "raw/people/", "columns": {"id": "long", "name": "string"}},
            "target": {"path": "refined/people/", "partition_by": ["year", "month", "day"]},
            "max_rejected": 1.0,
            "lease_seconds": 2,
        }
        for key, value in changes.items():
            *parents, last = key.split("__")
            place = feed
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
        path = self.root / "conf" / "feeds" / "people.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(feed, sort_keys=False))

    def put(self, name: str, text: str | bytes, day: str = "01") -> Path:
        """Write a raw object of a day in August 2026."""
        path = self.lake / f"raw/people/year=2026/month=08/day={day}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def command(self, verb: str, *arguments: str) -> Answer:
        return command(verb, "people", "--lake", str(self.lake), "--config", str(self.root / "conf"), *arguments)

    def run(self, *arguments: str, verb: str = "run") -> dict[str, Any]:
        answer = self.command(verb, "--json", *arguments)
        assert answer.stdout, answer.stderr
        (receipt,) = answer.data
        assert receipt["exit_code"] == answer.exit_code
        return receipt

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        """Read the table by its path, as users do."""
        path = self.lake / "refined/people"
        if not list(path.rglob("*.parquet")):
            return []
        table = self.spark.read.parquet(str(path))
        rows = [tuple(row) for row in table.select(*(columns or ("id", "name"))).collect()]
        return sorted(rows, key=repr)

    def quarantine(self) -> list[dict[str, Any]]:
        return quarantined_rows(self.lake / "quarantine/people/target=people")

    def strays(self) -> list[str]:
        """Return unaccounted files: staging, temporary files, leases, and files that are not in the log."""
        from lakewright.log.log import Log
        from lakewright.storage.uris import open_lake

        state, _ = Log(open_lake(str(self.lake)), "state/people/people/").read()
        known = {*state.files, *state.quarantine}
        strays = []
        for file in self.lake.rglob("*"):
            path = file.relative_to(self.lake).as_posix()
            if file.is_dir():
                if "_staging" in path:
                    strays.append(path)
            elif path not in known and not path.startswith(("raw/", *LOG, *RECEIPTS)):
                strays.append(path)
        return strays


@pytest.fixture
def bench(tmp_path: Path, spark: SparkSession) -> Iterator[Bench]:
    (tmp_path / "lake").mkdir()
    bench = Bench(tmp_path, spark)
    bench.feed()
    yield bench
    shutil.rmtree(tmp_path, ignore_errors=True)
