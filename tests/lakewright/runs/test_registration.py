"""Runs whose catalog fails or recovers: the data is committed, and the next run registers it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest

from lakewright.catalog.table import Catalog
from lakewright.config import Feed
from lakewright.engine.choice import EngineChoice
from lakewright.errors import ConfigError
from lakewright.log.log import Append, Plan
from lakewright.log.records import Counts, DataFile, SourceObject
from lakewright.log.state import TableState
from lakewright.parquet.table_actions import table_actions
from lakewright.runs.job.batch import Batch, Choice, Staged, Survey
from lakewright.runs.job.interfaces import CatalogEntry, Preflight
from lakewright.runs.job.request import Request
from lakewright.runs.job.target import Target
from lakewright.runs.job.target_job import AnyJob, TargetJob
from lakewright.runs.lifecycle.targets import run_targets
from lakewright.runs.progress import SilentProgress
from lakewright.runs.receipts import Receipt
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from tests.lakewright.catalog.glue_server import GlueServer, glue_server
from tests.lakewright.catalog.test_table import get_partitions, get_table


class CopyFeed(Feed):
    table: str


class CopyDays:
    """Reader and sink of a job that commits a batch of one file per day."""

    skips_refused = True

    def __init__(self, lake: Lake, days: list[str], table: str = "people", path: str = "refined/people/") -> None:
        self.feed = CopyFeed(job="copy_days", table=table, lease_seconds=1)
        self.target = Target("people", "people", path)
        self._lake, self._days, self._table = lake, days, table
        self.reject = ""

    @property
    def job(self) -> AnyJob:
        return TargetJob(self.feed, self.target, self, lambda rows: rows, self)

    def check(self, state: TableState, request: Request) -> Preflight:
        if self.reject:
            raise ConfigError(self.reject)
        return Preflight(state)

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        objects = [SourceObject(day, 1, "1") for day in self._days if not state.has(day, "1")]
        return Survey(Choice(objects[:1], Append()))

    def changed(self, plan: Plan) -> list[str]:
        return []

    def read(self, batch: Batch) -> list[str]:
        return [each.path for each in batch.plan.objects]

    def stage(self, batch: Batch, days: list[str]) -> Staged:
        files = []
        for day in days:
            path = f"day={day}/{batch.plan.number}.parquet"
            self._lake.create(batch.folder + path, b"1")
            files.append(DataFile(self.target.path + path, batch.folder + path, f"day={day}", rows=1, size=1))
        actions = table_actions(batch, layout=self.layout(), columns={"id": "int"}, added=files, quarantined=())
        return Staged(Counts(read=len(files), written=len(files)), in_table=len(files), actions=actions)

    def layout(self) -> str:
        return self.target.path

    def catalog(self) -> CatalogEntry | None:
        return Catalog("refined", self._table, f"s3://bucket/{self.target.path}", ["day"], owner="people")


@pytest.fixture
def server() -> Iterator[GlueServer]:
    with glue_server() as server:
        yield server


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(str(tmp_path))


def run(job: CopyDays, lake: Lake) -> Receipt:
    (receipt,) = run_targets(lake, [job.job], Request(), SilentProgress(), EngineChoice())
    return receipt


def registered(glue: Any) -> list[str]:
    return sorted(day for (day,) in get_partitions(glue))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("get_table", "AccessDeniedException"),
        ("create_database", "AccessDeniedException"),
        ("create_table", "InvalidInputException"),
        ("batch_create_partition", "ConcurrentModificationException"),
    ],
)
def test_data_is_committed_even_if_the_catalog_refuses(server: GlueServer, lake: Lake, call: str, code: str) -> None:
    server.refused[call] = code
    for number, days in enumerate((["01"], ["01", "02"], ["01", "02", "03"]), 1):
        receipt = run(CopyDays(lake, days), lake)
        assert (receipt.status, receipt.exit_code, receipt.counts.written) == ("committed", 5, 1)
        assert lake.stat(f"refined/people/day={days[-1]}/{number}.parquet") is not None
        assert "refined" in receipt.error
        assert receipt.error.endswith("; the data is committed, and the next run tries to register it again")
        assert receipt.catalog == f"failed: {receipt.error}"
        assert receipt.warnings == []
    idle = run(CopyDays(lake, ["01", "02", "03"]), lake)
    assert (idle.status, idle.exit_code, idle.batches) == ("failed", 5, [])
    server.refused.clear()
    idle = run(CopyDays(lake, ["01", "02", "03"]), lake)
    assert (idle.status, idle.exit_code, idle.catalog) == ("nothing_new", 0, "refined.people")
    assert registered(boto3.client("glue")) == ["01", "02", "03"]
    server.calls.clear()
    assert run(CopyDays(lake, ["01", "02", "03"]), lake).catalog == ""
    assert server.calls == [], "an idle run does not call an up-to-date catalog"


def test_unexpected_errors_of_a_registration_are_reported_too(
    server: GlueServer, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "register_as", lambda *args: {}["absent"])
        receipt = run(CopyDays(lake, ["01"]), lake)
        assert (receipt.status, receipt.exit_code) == ("committed", 5)
        assert "could not be registered in the catalog: unexpected KeyError at lakewright/" in receipt.error
    assert run(CopyDays(lake, ["01"]), lake).catalog == "refined.people"


def test_the_error_of_the_run_comes_first(server: GlueServer, lake: Lake) -> None:
    server.refused["get_table"] = "AccessDeniedException"
    run(CopyDays(lake, ["01"]), lake)
    job = CopyDays(lake, ["01"])
    job.reject = "the feed is wrong"
    receipt = run(job, lake)
    assert (receipt.exit_code, receipt.error) == (2, "the feed is wrong")
    (warning,) = receipt.warnings
    assert warning.startswith("the catalog refused GetTable of refined.people: AccessDeniedException")
    server.refused.clear()
    receipt = run(job, lake)
    assert (receipt.exit_code, receipt.catalog, receipt.warnings) == (2, "refined.people", [])


def test_a_registration_that_fails_at_the_start_and_succeeds_at_the_end_is_no_error(
    server: GlueServer, lake: Lake
) -> None:
    server.refused["get_table"] = "AccessDeniedException"
    run(CopyDays(lake, ["01"]), lake)
    server.refused.clear()
    server.good_calls = 0  # fails once more at the start, but not at the end
    receipt = run(CopyDays(lake, ["01", "02"]), lake)
    assert (receipt.status, receipt.exit_code, receipt.catalog) == ("committed", 0, "refined.people")
    assert receipt.warnings == []
    assert registered(boto3.client("glue")) == ["01", "02"]


def test_a_renamed_table_is_registered_without_new_objects(server: GlueServer, lake: Lake) -> None:
    run(CopyDays(lake, ["01"]), lake)
    receipt = run(CopyDays(lake, ["01"], table="persons"), lake)
    assert (receipt.status, receipt.exit_code, receipt.catalog) == ("nothing_new", 0, "refined.persons")
    assert receipt.warnings == ["refined.people in the catalog is no longer updated: the table is now refined.persons"]


def test_a_changed_path_is_not_registered_before_the_table_moves(server: GlueServer, lake: Lake) -> None:
    run(CopyDays(lake, ["01"]), lake)
    run(CopyDays(lake, ["01"], path="gold/people/"), lake)
    assert get_table(boto3.client("glue"))["StorageDescriptor"]["Location"] == "s3://bucket/refined/people/"


def test_a_copied_lake_does_not_trust_the_registration_of_the_original(server: GlueServer, tmp_path: Path) -> None:
    import shutil

    original = open_lake(str(tmp_path / "original"))
    run(CopyDays(original, ["01"]), original)
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    copy = open_lake(str(tmp_path / "copy"))
    server.calls.clear()
    run(CopyDays(copy, ["01"]), copy)
    assert "get_table" in server.calls, "the registration is checked, since it was recorded for another lake"


def test_a_run_overtaken_during_registration_leaves_it_to_the_next(
    server: GlueServer, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lakewright.runs.registration import Registration

    register = Catalog.register

    def slowly(self: Catalog, state: TableState) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(Catalog, "register", register)
            later = msgspec.structs.replace(state, number=3, committed=3)
            Registration(lake, CopyDays(lake, []).job).register(later)
        return register(self, state)

    days = ["01"]
    for _ in ("first registration", "later registration"):
        with monkeypatch.context() as patch:
            patch.setattr(Catalog, "register", slowly)
            run(CopyDays(lake, days), lake)
        assert lake.stat("state/people/people/catalog") is None
        assert run(CopyDays(lake, days), lake).catalog == "refined.people"
        days.append("02")
