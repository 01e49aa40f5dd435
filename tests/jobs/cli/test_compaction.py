"""The script that compacts tables: the source system's arguments select one table by its name in the catalog."""

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from pyspark.sql import SparkSession

from jobs.cli.compaction import CompactOptions, compact_as_script, compact_jobs
from lakewright.aws import parameters
from lakewright.errors import ConfigError, RunFailedError, UnreachableError
from lakewright.runs.progress import SilentProgress
from lakewright.storage.uris import open_lake
from tests.cdc import CdcBench
from tests.conftest import ROOT, Bench

HR = {"tables": {"employees": {"key": "id", "partition_by": "dept"}, "rooms": {"key": "id"}}}


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "conf/feeds").mkdir(parents=True)
    (tmp_path / "lake").mkdir()
    return tmp_path / "conf"


def feed(conf: Path, name: str, *, storage: str = "merge_on_read", database: str = "HR", **keys: Any) -> None:
    values = {
        "job": "cdc_to_hudi",
        "source": {"path": f"raw/{name}/", "time_column": "ts", "replication_columns": ["ts"]},
        "target": {"path": f"refined/{name}/", "storage": storage, "catalog_database": database},
        **(keys or HR),
    }
    (conf / f"feeds/{name}.yaml").write_text(yaml.safe_dump(values))


def options(conf: Path, **values: Any) -> CompactOptions:
    return CompactOptions(**{"config": str(conf), "database": "hr", "table": "employees"} | values)


def selected(conf: Path, **values: Any) -> list[tuple[str, str]]:
    jobs = options(conf, **values).jobs(open_lake(str(conf.parent / "lake")))
    return [(job.target.feed_name, job.target.name) for job in jobs]


@pytest.mark.parametrize("name", ["employees", "employees_ro", "employees_rt", "Employees"])
def test_a_table_is_found_by_its_name_in_the_catalog(conf: Path, name: str) -> None:
    feed(conf, "merged")
    feed(conf, "copied", storage="copy_on_write")
    feed(conf, "elsewhere", database="other")
    (conf / "feeds/csv.yaml").write_text((ROOT / "conf/feeds/birdstrikes.yaml").read_text())
    assert selected(conf, table=name) == [("merged", "employees")]


def test_the_table_of_the_example_feeds_is_found(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    chosen = options(ROOT / "conf", database="human_resources", table="employee_details", is_partitioned="True")
    (job,) = chosen.jobs(open_lake(str(tmp_path / "lake")))
    assert (job.target.feed_name, job.target.name) == ("human_resources_mor", "employee_details")


def test_own_arguments_select_targets_of_a_feed(conf: Path) -> None:
    feed(conf, "merged")
    own = {"database": "", "table": "", "feed": "merged"}
    assert selected(conf, **own) == [("merged", "employees"), ("merged", "rooms")]
    assert selected(conf, **own, target=["rooms"]) == [("merged", "rooms")]


def test_a_feed_decides_between_several_tables_of_one_name(conf: Path) -> None:
    feed(conf, "merged")
    feed(conf, "second")
    with pytest.raises(ConfigError) as refused:
        selected(conf)
    assert str(refused.value) == (
        "several feeds register the table hr.employees: merged (target employees), second (target employees); "
        "select one with --feed"
    )
    assert selected(conf, feed="second") == [("second", "employees")]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        pytest.param(
            {"table": "employes"},
            "no feed in {conf} registers a merge-on-read table hr.employes; did you mean 'HR.employees'?",
            id="a-misspelt-table",
        ),
        pytest.param(
            {"table": "x", "feed": "merged"},
            "feed merged does not register a merge-on-read table hr.x; known are HR.employees, HR.rooms",
            id="not-of-this-feed",
        ),
        pytest.param(
            {"database": "elsewhere"},
            "no feed in {conf} registers a merge-on-read table elsewhere.employees",
            id="another-database",
        ),
        pytest.param(
            {"database": ""}, "a table of the catalog needs both --DB_NAME and --TABLE_NAME", id="no-database"
        ),
        pytest.param(
            {"database": "", "table": "", "is_partitioned": "true"},
            "a table of the catalog needs both --DB_NAME and --TABLE_NAME",
            id="only-whether-it-is-partitioned",
        ),
        pytest.param(
            {"database": "", "table": ""},
            "name a feed with --feed, or a table of the catalog with --DB_NAME and --TABLE_NAME",
            id="nothing",
        ),
        pytest.param(
            {"target": ["employees"]}, "--TABLE_NAME and --target both select tables; omit one", id="two-selections"
        ),
        pytest.param({"settings": ["a=1"]}, "--set overrides keys of one feed; name it with --feed", id="settings"),
        pytest.param(
            {"is_partitioned": "false"},
            "--IS_PARTITIONED is false, but table employees of feed merged is partitioned by dept",
            id="partitioned",
        ),
        pytest.param(
            {"table": "rooms", "is_partitioned": "true"},
            "--IS_PARTITIONED is true, but table rooms of feed merged has no partitions",
            id="not-partitioned",
        ),
        pytest.param(
            {"is_partitioned": "yes"}, "option --IS_PARTITIONED must be true or false, not 'yes'", id="not-a-boolean"
        ),
    ],
)
def test_a_selection_of_no_single_table_is_refused(conf: Path, values: dict[str, Any], line: str) -> None:
    feed(conf, "merged")
    with pytest.raises(ConfigError) as refused:
        selected(conf, **values)
    assert str(refused.value) == line.format(conf=conf)


def test_tables_of_parameters_are_found_and_failed_lookups_are_errors(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(conf, "merged", parameters="lakehouse-table-", tables={})
    for table in ("employees", "rooms"):
        (conf.parent / "lake/raw/merged" / table).mkdir(parents=True)
        (conf.parent / "lake/raw/merged" / table / "LOAD00000001.parquet").write_bytes(b"PAR1")

    def read(name: str) -> str | None:
        if name.endswith("rooms"):
            raise UnreachableError("SSM could not be reached")
        return json.dumps({"primaryKey": "id"})

    monkeypatch.setattr("jobs.cdc_to_hudi.read_parameter", read)
    assert parameters.read_parameter is not read
    assert selected(conf, table="employees_rt") == [("merged", "employees")]
    with pytest.raises(UnreachableError):
        selected(conf, table="rooms")


@pytest.mark.parametrize(
    ("choice", "line"),
    [
        pytest.param(
            {"dry_run": True},
            "--date, --partition and --dry-run apply to Parquet tables; omit them for this feed",
            id="dry-run",
        ),
        pytest.param(
            {"wanted": {"year": "2026"}},
            "--date, --partition and --dry-run apply to Parquet tables; omit them for this feed",
            id="partition",
        ),
        pytest.param(
            {"engine": "local"}, "Hudi tables are compacted on Spark only; leave out --engine local", id="local-engine"
        ),
    ],
)
def test_options_of_parquet_tables_are_refused_for_hudi_tables(conf: Path, choice: dict[str, Any], line: str) -> None:
    feed(conf, "merged")
    lake = open_lake(str(conf.parent / "lake"))
    jobs = options(conf).jobs(lake)
    choice = {"wanted": {}, "dry_run": False, "engine": "auto", **choice}
    with pytest.raises(ConfigError) as refused:
        compact_jobs(lake, jobs, choice.pop("wanted"), progress=SilentProgress(), prices=None, **choice)
    assert str(refused.value) == line


def test_the_script_merges_small_files_of_parquet_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without_spark: Any = None
    (tmp_path / "lake").mkdir()
    bench = Bench(tmp_path, without_spark)
    bench.feed(target__fill="append")
    for number in range(6):
        bench.put(f"{number}.csv", f"id,name\n{number},a\n", day=f"0{number % 2 + 1}")
        assert bench.run()["exit_code"] == 0
    where = ["--lake", str(bench.lake), "--config", str(bench.root / "conf"), "--JOB_NAME", "compact"]
    compact_as_script(["--feed", "people", "--date", "2026-08-01", "--dry-run", "true", *where])
    compact_as_script(["--feed", "people", "--date", "2026-08-01", *where])
    planned, done = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    (plan,), (compaction,) = planned["compactions"], done["compactions"]
    assert (plan["files"], compaction["files"], compaction["into"], compaction["batch"]) == (3, 3, 1, 7)
    assert compaction["partitions"] == plan["partitions"] == ["year=2026/month=08/day=01"]
    with pytest.raises(SystemExit) as failed:
        compact_as_script(["--feed", "people", "--date", "2026-08-09", *where])
    assert failed.value.code == 2


@pytest.mark.slow
@pytest.mark.needs_hudi
def test_the_script_compacts_the_table_of_the_catalog(
    tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = CdcBench(tmp_path, spark)
    schema = pa.schema([("id", pa.int32()), ("name", pa.string())])
    bench.feed({"employees": {"key": "id"}}, target__storage="merge_on_read", target__catalog_database="hr")
    bench.put("LOAD00000001.parquet", [(1, "Ann")], schema)
    bench.run()
    bench.put("20260801-101500000.parquet", [("U", "2026-08-01 10:15:00", 1, "Anna")], schema)
    bench.run()
    source = ["--DB_NAME", "hr", "--TABLE_NAME", "employees", "--IS_PARTITIONED", "false", "--JOB_NAME", "compact"]
    compact_as_script([*source, "--lake", str(bench.lake), "--config", str(bench.root / "conf")])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["feed"], result["target"], result["exit_code"]) == ("hr", "employees", 0)
    assert [done["log_files"] for done in result["compactions"]] == [1]
    monkeypatch.setattr(sys, "argv", ["compact.py", *source[:2], "--JOB_NAME", "compact"])
    with pytest.raises(RunFailedError, match=r"^a table of the catalog needs both --DB_NAME and --TABLE_NAME$"):
        compact_as_script([*source[:2], "--lake", str(bench.lake), "--config", str(bench.root / "conf")])
    bench.remove()
