"""The quarantine table of a feed: who can read it, what its rows keep, and how they are shown, corrected and deleted."""

import csv
import json
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow.dataset as ds
import pytest
from pyspark.sql import SparkSession

from lakewright.log.log import Log
from lakewright.runs.lifecycle.publishing import Staging
from lakewright.storage.local import LocalLake
from tests.conftest import Bench, freeze_day
from tests.quarantine import quarantined_rows

NAMES = ["object", "etag", "position", "reasons", "text", "fields", "first_seen", "run", "target", "batch"]


@pytest.fixture
def people(tmp_path: Path) -> Bench:
    """A bench whose tests do not need Spark."""
    (tmp_path / "lake").mkdir()
    bench = Bench(tmp_path, cast(SparkSession, None))
    bench.feed()
    return bench


def rows_of(bench: Bench) -> list[tuple[Any, ...]]:
    """Object, position, text and the day on which it was first rejected of each row."""
    rows = quarantined_rows(bench.lake / "quarantine/people", everything=True)
    return [(row["object"][-5:], row["position"], row["text"], str(row["first_seen"])) for row in rows]


def files_of(bench: Bench) -> list[str]:
    """The files of quarantine, without the random part of their names."""
    folder = bench.lake / "quarantine"
    paths = (file.relative_to(folder) for file in folder.rglob("*.parquet"))
    return sorted(f"{path.parent}/{path.stem.partition('-')[0] if '-' in path.stem else ''}" for path in paths)


def two_batches(bench: Bench) -> None:
    """Commit a batch with three rejected rows of two partitions, and have one refused."""
    bench.put("a.csv", "id,name\n1,a\nx,dirty\nx,dirty\n")
    bench.put("b.csv", 'id,name\n"y"z,torn\n', day="02")
    assert bench.run()["counts"]["rejected"] == 3
    bench.put("c.csv", "id,name\nz,refused\n", day="03")
    assert bench.run("--set", "max_rejected=0")["exit_code"] == 3


@pytest.mark.parametrize("reader", ["pyarrow", "duckdb", "spark"])
def test_the_folder_of_a_feed_is_one_table(bench: Bench, reader: str) -> None:
    two_batches(bench)
    folder = bench.lake / "quarantine/people"
    assert files_of(bench) == [
        "people/target=people/batch=000001/",
        "people/target=people/batch=000001/",
        "people/target=people/batch=000002/refused",
    ]
    if reader == "pyarrow":
        table = ds.dataset(folder, partitioning="hive").to_table()
        names, rows = table.column_names, [tuple(row.values()) for row in table.to_pylist()]
    elif reader == "duckdb":
        found = duckdb.sql(f"from read_parquet('{folder}/**/*.parquet', hive_partitioning=true, union_by_name=true)")
        names, rows = found.columns, found.fetchall()
    else:
        frame = bench.spark.read.parquet(str(folder))
        names, rows = frame.columns, [tuple(row) for row in frame.collect()]
    assert sorted(names) == sorted(NAMES)
    places = [names.index(name) for name in ("object", "position", "text", "target")]
    assert sorted((*(row[place] for place in places), int(row[names.index("batch")])) for row in rows) == [
        ("raw/people/year=2026/month=08/day=01/a.csv", 12, "x,dirty", "people", 1),
        ("raw/people/year=2026/month=08/day=01/a.csv", 20, "x,dirty", "people", 1),
        ("raw/people/year=2026/month=08/day=02/b.csv", 8, '"y"z,torn', "people", 1),
        ("raw/people/year=2026/month=08/day=03/c.csv", 8, "z,refused", "people", 2),
    ]


def test_files_are_released_with_their_partition(people: Bench) -> None:
    two_batches(people)
    people.put("a.csv", "id,name\n1,a\n")
    assert people.run("--set", "max_rejected=1")["counts"]["rejected"] == 1
    assert [row[:3] for row in rows_of(people)] == [("b.csv", 8, '"y"z,torn'), ("c.csv", 8, "z,refused")]
    assert files_of(people) == [f"people/target=people/batch=00000{number}/" for number in (1, 3)]
    assert people.strays() == []


def test_rows_keep_their_first_day_as_long_as_their_object_is_the_same(
    people: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze_day(monkeypatch, "2026-08-01")
    people.put("a.csv", "id,name\nx,dirty\n")
    people.put("b.csv", "id,name\ny,dirty\n")
    people.run()
    freeze_day(monkeypatch, "2026-08-02")
    people.put("c.csv", "id,name\nz,dirty\n")  # of the same partition, which is overwritten
    people.put("b.csv", "id,name\nyy,rewritten\n")
    people.run()
    expected = [
        ("a.csv", 8, "x,dirty", "2026-08-01"),
        ("b.csv", 8, "yy,rewritten", "2026-08-02"),
        ("c.csv", 8, "z,dirty", "2026-08-02"),
    ]
    assert rows_of(people) == expected
    freeze_day(monkeypatch, "2026-08-03")
    people.run(verb="rebuild")
    assert rows_of(people) == expected
    assert people.strays() == []


def test_a_refused_batch_is_the_first_that_rejected_its_rows(people: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze_day(monkeypatch, "2026-08-01")
    people.put("a.csv", "id,name\nx,dirty\n1,a\n")
    assert people.run("--set", "max_rejected=0")["exit_code"] == 3
    freeze_day(monkeypatch, "2026-08-05")
    assert people.run("--set", "max_rejected=0.4")["exit_code"] == 3
    assert people.run()["exit_code"] == 0
    assert rows_of(people) == [("a.csv", 8, "x,dirty", "2026-08-01")]
    assert files_of(people) == ["people/target=people/batch=000003/"]


def test_a_deleted_file_does_not_stop_a_run(people: Bench) -> None:
    people.put("a.csv", "id,name\nx,dirty\n")
    people.run()
    next((people.lake / "quarantine").rglob("*.parquet")).unlink()
    assert people.run(verb="rebuild")["counts"]["rejected"] == 1
    assert len(rows_of(people)) == 1


def test_odd_names_and_values(people: Bench) -> None:
    columns = {"größe": {"type": "long", "from": "Größe in cm."}, "id": "long"}
    people.feed(source__columns=columns)
    text = 'id,Größe in cm.\n1,"1\n80"\n2,=1+1\n'
    people.put("ü a.csv", text)
    people.run()
    rows = quarantined_rows(people.lake / "quarantine")
    assert [(row["position"], row["text"], row["fields"]) for row in rows] == [
        (len("id,Größe in cm.\n".encode()), '1,"1\n80"', {"Größe in cm.": "1\n80", "id": "1"}),
        (len('id,Größe in cm.\n1,"1\n80"\n'.encode()), "2,=1+1", {"Größe in cm.": "=1+1", "id": "2"}),
    ]
    assert {reason["column"] for row in rows for reason in row["reasons"]} == {"größe"}


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of the lake."""
    calls: list[str] = []
    for name in ("list", "folders", "read", "stat", "create", "replace", "delete", "delete_all", "move_all"):
        work = getattr(LocalLake, name)

        def counted(self: Any, *arguments: Any, _work: Any = work, _name: str = name, **options: Any) -> Any:
            calls.append(_name)
            return _work(self, *arguments, **options)

        monkeypatch.setattr(LocalLake, name, counted)
    return calls


def test_an_idle_run_deletes_old_rows_once(people: Bench, monkeypatch: pytest.MonkeyPatch, requests: list[str]) -> None:
    freeze_day(monkeypatch, "2026-08-01")
    two_batches(people)
    freeze_day(monkeypatch, "2026-08-04")
    for name in ("a.csv", "b.csv", "c.csv"):
        next(people.lake.rglob(name)).unlink()
    people.put("d.csv", "id,name\nx,newer\n", day="04")
    people.run("--date", "2026-08-04")
    assert [row[3] for row in rows_of(people)] == ["2026-08-01"] * 3 + ["2026-08-04"]

    def idle(*arguments: str) -> tuple[dict[str, Any], list[str]]:
        requests.clear()
        return people.run("--date", "2026-08-04", *arguments), list(requests)

    freeze_day(monkeypatch, "2026-08-10")
    _, without = idle()
    receipt, not_due = idle("--set", "quarantine_days=10")
    assert (receipt["batches"], not_due) == ([], without)
    receipt, _ = idle("--set", "quarantine_days=9")
    (batch,) = receipt["batches"]
    assert (receipt["status"], batch["status"], batch["reason"]) == (
        "nothing_new",
        "expired",
        "rejected rows deleted because of quarantine_days (9): 3",
    )
    assert [row[1:] for row in rows_of(people)] == [(8, "x,newer", "2026-08-04")]
    receipt, again = idle("--set", "quarantine_days=9")
    assert (receipt["batches"], set(again) - set(without)) == ([], set())
    assert people.strays() == []


class Killed(BaseException):
    """A run that ends at once, as if it were killed."""


@pytest.mark.parametrize("at", ["publish", "clear"])
def test_rows_expire_once_wherever_the_run_is_killed(people: Bench, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    freeze_day(monkeypatch, "2026-08-01")
    people.feed(quarantine_days=3)
    people.put("a.csv", "id,name\nx,dirty\n1,a\n")
    people.run()
    freeze_day(monkeypatch, "2026-08-05")

    work = getattr(Staging, at)

    def killed(*arguments: Any) -> Any:
        if at == "clear" and arguments[1] == 1:  # the batch before
            return work(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Staging, at, killed)
        patched.setattr("lakewright.runs.journal.write_receipt", killed)
        with pytest.raises(Killed):
            people.command("run")
    people.put("b.csv", "id,name\n2,b\n", day="02")
    assert people.run()["counts"]["written"] == 1
    assert rows_of(people) == []
    log = Log(LocalLake(str(people.lake)), "state/people/people/")
    assert [outcome.status for outcome in log.outcomes(after=0)] == ["committed", "expired", "committed"]
    restored = [json.loads(path.read_text()) for path in (people.lake / "state/people/people/receipts").iterdir()]
    assert sorted((receipt["status"], receipt["exit_code"]) for receipt in restored) == [
        ("committed", 0),
        ("committed", 0),
        ("nothing_new", 0),
    ]
    assert people.strays() == []


def test_status_counts_the_rows_of_each_rule(people: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze_day(monkeypatch, "2026-08-01")
    two_batches(people)
    (state,) = people.command("status", "--json").data
    assert (state["quarantined_rows"], state["quarantined"]) == (
        4,
        [
            {"rule": "id: type", "rows": 3, "since": "2026-08-01"},
            {"rule": "quote", "rows": 1, "since": "2026-08-01"},
        ],
    )
    shown = people.command("status").stdout
    assert "quarantine       4 rows\n                   id: type: 3 since 2026-08-01\n" in shown


def test_rows_are_shown(people: Bench) -> None:
    two_batches(people)
    shown = people.command("quarantine", "--rule", "quote").stdout
    assert "because     quote: Text follows a closing quote.\n" in shown
    assert 'text        "y"z,torn\n' in shown
    assert "dirty" not in shown
    for rule in ("type", "id: type"):
        (entry,) = people.command("quarantine", "--json", "--rule", rule, "--limit", "2").data
        assert [(row["position"], row["fields"]) for row in entry["rows"]] == [
            (position, {"id": "x", "name": "dirty"}) for position in (12, 20)
        ]
    assert people.command("quarantine", "--json", "--rule", "range").data[0]["rows"] == []


def test_rows_are_written_for_correction(people: Bench) -> None:
    two_batches(people)
    file = people.root / "rows.csv"
    answer = people.command("quarantine", "--csv", str(file))
    assert answer.stdout == f"4 rows of people written to {file}\n"
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [(row["position"], row["text"], row["id"], row["name"]) for row in rows] == [
        ("12", "", "x", "dirty"),
        ("20", "", "x", "dirty"),
        ("8", '\\"y"z,torn', "", ""),
        ("8", "", "z", "refused"),
    ]
    again = people.command("quarantine", "--csv", str(file))
    assert (again.exit_code, "exists; it may have corrections" in again.stderr) == (2, True)


def test_an_empty_quarantine_is_shown(people: Bench) -> None:
    people.put("a.csv", "id,name\n1,a\n")
    people.run()
    assert people.command("quarantine").stdout == "quarantine of people → people\n  rows  0 rows\n"
    file = people.root / "rows.csv"
    assert people.command("quarantine", "--csv", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8-sig") == "object,etag,position,reasons,text\n"
