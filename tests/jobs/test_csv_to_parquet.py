"""The job csv_to_parquet from raw objects to the table, through the command line, on a local lake."""

import gzip
import json
import os
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from lakewright.parquet.sink import WrittenRows
from tests.conftest import ROOT, Bench, command, freeze_day

Row = tuple[Any, Any]
Reason = tuple[str, str | None]


def reasons(row: dict[str, Any]) -> list[Reason]:
    return [(reason["rule"], reason["column"]) for reason in row["reasons"]]


# Texts of objects, their rows, and the reasons for rejected rows.
CSV_CASES: dict[str, tuple[str | bytes, list[Row], list[Reason]]] = {
    "plain": ("id,name\n1,a\n2,b\n", [(1, "a"), (2, "b")], []),
    "crlf": ("id,name\r\n1,a\r\n2,b\r\n", [(1, "a"), (2, "b")], []),
    "mixed-line-ends-and-none-at-the-end": ("id,name\n1,a\r\n2,b\n3,c", [(1, "a"), (2, "b"), (3, "c")], []),
    "cr": ("id,name\r1,a\r2,b\r", [(1, "a"), (2, "b")], []),
    "bound-by-name": ("name,id\nb,2\n", [(2, "b")], []),
    "bom-blanks-and-case-in-the-header": ("\ufeff ID , Name\n1,a\n", [(1, "a")], []),
    "extra-columns": ("x,id,y,name\n?,1,?,a\n", [(1, "a")], []),
    "unquoted-empty-is-null": ('id,name\n1,\n2,""\n', [(1, None), (2, "")], []),
    "unquoted-empty-is-null-with-crlf": ('id,name\r\n1,\r\n2,""\r\n', [(1, None), (2, "")], []),
    "doubled-quotes": ('id,name\n1,"a ""b"", c"\n', [(1, 'a "b", c')], []),
    "value-that-begins-with-a-quote": ('id,name\n1,"""a, b"" c"\n', [(1, '"a, b" c')], []),
    "line-ends-in-quotes-lf": ('id,name\n1,"a\r\nb\nc"\n', [(1, "a\r\nb\nc")], []),
    "line-ends-in-quotes-crlf": ('id,name\r\n1,"a\r\nb\nc"\r\n2,d\r\n', [(1, "a\r\nb\nc"), (2, "d")], []),
    "backslash-is-a-character": ("id,name\n1,a\\\n2,\\n\n", [(1, "a\\"), (2, "\\n")], []),
    "blank-lines": ("id,name\n1,a\n\n2,b\n\n", [(1, "a"), (2, "b")], []),
    "blank-lines-crlf": ("id,name\r\n1,a\r\n\r\n2,b\r\n\r\n", [(1, "a"), (2, "b")], []),
    "no-comments": ("id,name\n#1,a\n1,#b\n", [(1, "#b")], [("type", "id")]),
    "too-few-too-many": ("id,name\n1\n2,b\n3,c,d\n", [(2, "b")], [("field_count", None)] * 2),
    "repeated-header": ("id,name\n1,a\nid,name\n2,b\n", [(1, "a"), (2, "b")], [("repeated_header", None)]),
    "not-a-long": ("id,name\n12.7,a\n,b\n 4 ,c\n", [(4, "c"), (None, "b")], [("type", "id")]),
    "quoted-empty-is-not-a-long": ('id,name\n"",a\n', [], [("type", "id")]),
    "overflow": ("id,name\n9223372036854775808,a\n", [], [("range", "id")]),
    "not-utf-8": (b"id,name\n1,caf\xe9\n2,b\n", [(2, "b")], [("encoding", "name")]),
    "not-utf-8-in-a-number": (b"id,name\n1\xe9,b\n", [], [("encoding", "id")]),
    "every-reason": ("id,name\nx,caf\ufffd\n", [], [("type", "id"), ("encoding", "name")]),
    "header-only": ("id,name\n", [], []),
    "header-only-no-line-end": ("id,name", [], []),
    "zero-bytes": ("", [], []),
    "quotes-that-are-data": (
        'id,name\n1,5" pipe\n2, "a"\n"3"\t,"a\\"  \n',
        [(1, '5" pipe'), (2, ' "a"'), (3, "a\\")],
        [],
    ),
    "text-after-a-quote": (
        'id,name\r\n1,"abc"def\r\n2,b\r\n3,"c"  "d"\r\n4,"He said \\"hi\\""\r\n',
        [(2, "b")],
        [("quote", None)] * 3,
    ),
    "nul": ("id,name\n1,a\x00b\n", [(1, "a\x00b")], []),
}
# The same without multiline: a value ends with its line at the latest, and a quote left open in it is rejected.
LINE_BY_LINE: dict[str, tuple[list[Row], list[Reason]]] = {
    "line-ends-in-quotes-lf": ([], [("quote", None), ("field_count", None), ("quote", None)]),
    "line-ends-in-quotes-crlf": ([(2, "d")], [("quote", None), ("field_count", None), ("quote", None)]),
}


@pytest.mark.slow
@pytest.mark.parametrize(("multiline", "engine"), [(True, "local"), (False, "local"), (True, "spark")])
def test_csv_cases(bench: Bench, multiline: bool, engine: str) -> None:
    """Every case is a separate object in a separate partition."""
    expected = {name: (good, bad) for name, (_, good, bad) in CSV_CASES.items()}
    bench.feed(source__csv={"multiline": multiline})
    days = {}
    for number, (name, (text, _, _)) in enumerate(CSV_CASES.items(), start=1):
        days[f"{number:02}"] = name
        bench.put(f"{name}.csv", text, day=f"{number:02}")
    receipt = bench.run("--engine", engine)
    assert (receipt["exit_code"], receipt["engine"]["name"]) == (0, engine), receipt
    actual: dict[str, tuple[list[Row], list[Reason]]] = {name: ([], []) for name in CSV_CASES}
    for day, number, name in bench.rows("day", "id", "name"):
        actual[days[day]][0].append((number, name))
    for row in bench.quarantine():
        assert row["text"] is not None
        day, name = row["object"].removeprefix("raw/people/year=2026/month=08/day=").split("/")
        assert name == f"{days[day]}.csv"
        actual[days[day]][1].extend(reasons(row))
    assert actual == (expected if multiline else expected | LINE_BY_LINE)
    counts = receipt["counts"]
    assert (counts["read"], counts["written"]) == (counts["written"] + counts["rejected"], len(bench.rows()))
    assert counts["rejected"] == len(bench.quarantine())
    first: dict[str, str] = {}
    for row in sorted(bench.quarantine(), key=itemgetter("object", "position")):
        for rule, column in reasons(row):
            first.setdefault(f"{column}: {rule}" if column else rule, f"{row['object']} at {row['position']}")
    assert receipt["first_rejected"].keys() == first.keys()
    assert all(receipt["first_rejected"][rule].startswith(place) for rule, place in first.items())
    assert bench.strays() == []


def test_gzip_of_two_members(bench: Bench) -> None:
    text = "id,name\n" + "".join(f"{n},{'x' * (n % 7)}\n" for n in range(1000))
    bench.put("a.csv.gz", gzip.compress(text.encode()[:2000]) + gzip.compress(text.encode()[2000:]))
    assert bench.run()["counts"] == {
        "read": 1000,
        "written": 1000,
        "deleted": 0,
        "superseded": 0,
        "rejected": 0,
        "skipped": 0,
        "withheld": 0,
        "rekeyed": 0,
    }


REFUSED_BY = {
    "head": {
        "column-missing": ("id\n1\n", "the header has no 'name'; it has 1 field"),
        "column-repeated": ("id,name,NAME\n", "the header names 'NAME', 'name' twice"),
        "header-encoding": (b"id,n\xe9me\n", "the header is not UTF-8 text"),
        "hidden-gzip": (gzip.compress(b"id,name\n1,a\n"), "gzip, but not named .gz"),
    },
    "last line": {"truncated": ('id,name\n1,a\n2,"b', "line 3: a quoted field opens here")},
    "values": {
        "never-closed": ('id,name\n1,a\n2,"b\n3,c\n4,d\n', "line 3: a quoted field opens here"),
        "closed-by-a-later-quote": ('id,name\n1,"b\n2,c"d\n3,e\n', "line 2: a quoted field opens here"),
    },
}


@pytest.mark.parametrize(
    "by", ["head", *(pytest.param(by, marks=pytest.mark.slow) for by in REFUSED_BY if by != "head")]
)
def test_objects_with_invalid_headers_or_quotes_are_refused(bench: Bench, by: str) -> None:
    cases = REFUSED_BY[by]
    bench.feed(source__on_refused_file="fail")
    bench.put("a.csv", "id,name\n7,good\n")
    bench.run()
    for name, (text, _) in cases.items():
        bench.put(f"{name}.csv", text)
    bench.put("other.csv", "id,name\n8,other\n", day="02")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "refused")
    refused = {Path(path).stem: (path, reason) for path, reason in receipt["refused"].items()}
    assert set(refused) == set(cases)
    for name, (path, reason) in refused.items():
        assert path == f"raw/people/year=2026/month=08/day=01/{name}.csv"
        assert reason.startswith(cases[name][1])
    assert any(path in receipt["error"] for path in receipt["refused"])
    assert bench.rows() == [(7, "good")]

    bench.feed()
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "committed")
    assert bench.rows() == [(7, "good"), (8, "other")]
    assert bench.run()["status"] == "refused"

    for number, name in enumerate(cases, start=9):
        bench.put(f"{name}.csv", f"id,name\n{number},repaired\n")
    assert bench.run()["exit_code"] == 0
    repaired = [(number, "repaired") for number, _ in enumerate(cases, start=9)]
    assert bench.rows() == sorted([(7, "good"), (8, "other"), *repaired], key=repr)
    assert bench.strays() == []


@pytest.mark.slow
def test_truncated_gzip_is_refused_by_name(bench: Bench) -> None:
    packed = gzip.compress(b"id,name\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(50_000)))
    bench.put("a.csv.gz", packed[:-2000])
    receipt = bench.run()
    assert receipt["exit_code"] == 3
    assert "a.csv.gz: damaged gzip" in receipt["error"]
    assert bench.rows() == []
    bench.put("a.csv.gz", packed)
    assert bench.run()["counts"]["written"] == 50_000


def test_a_rewritten_object_that_is_refused_keeps_its_rows(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bench.put("b.csv", "id,name\n2,b\n")
    bench.run()
    bench.put("a.csv", "id\n1\n")
    bench.put("c.csv", "id,name\n3,c\n")
    assert bench.run()["exit_code"] == 3
    assert bench.rows() == [(1, "a"), (2, "b")]


def test_too_many_rejected_publishes_nothing(bench: Bench) -> None:
    bench.feed(max_rejected=0.4)
    bench.put("a.csv", "id,name\n1,a\nx,b\n")
    receipt = bench.run()
    assert receipt["exit_code"] == 3
    assert receipt["rules"] == {"id: type": 1}
    assert receipt["counts"] | {"withheld": 1, "rejected": 1, "written": 0} == receipt["counts"]
    assert receipt["checks"] == {"every row accounted for": True}
    assert bench.rows() == []
    assert [(row["text"], row["fields"]) for row in bench.quarantine()] == [("x,b", {"id": "x", "name": "b"})]
    bench.run()
    assert len(bench.quarantine()) == 1
    bench.put("a.csv", "id,name\n1,a\n2,b\n")
    assert bench.run()["exit_code"] == 0
    assert bench.rows() == [(1, "a"), (2, "b")]
    assert bench.quarantine() == []
    assert bench.strays() == []


def test_repeated_runs_and_rewritten_and_late_objects(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bench.put("b.csv", "id,name\n2,b\nx,y\n")
    bench.put("a.csv", "id,name\n5,other day\n", day="02")
    assert bench.run()["counts"]["written"] == 3
    other = [file.name for file in bench.lake.rglob("refined/**/day=02/*.parquet")]
    assert bench.run()["status"] == "nothing_new"
    assert bench.rows() == [(1, "a"), (2, "b"), (5, "other day")]
    bench.put("b.csv", "id,name\n3,rewritten\n")
    bench.put("late.csv", "id,name\n4,late\n")
    receipt = bench.run()
    assert [batch["number"] for batch in receipt["batches"]] == [2]
    assert bench.rows() == [(1, "a"), (3, "rewritten"), (4, "late"), (5, "other day")]
    assert [file.name for file in bench.lake.rglob("refined/**/day=02/*.parquet")] == other
    assert bench.quarantine() == []
    assert bench.strays() == []


@pytest.mark.slow
def test_a_disappeared_object(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    deleted = bench.put("b.csv", "id,name\n2,b\n")
    bench.run()
    deleted.unlink()
    assert bench.run()["status"] == "nothing_new"
    assert bench.rows() == [(1, "a"), (2, "b")]
    bench.put("c.csv", "id,name\n3,c\n")
    receipt = bench.run()
    assert receipt["exit_code"] == 3
    assert "day=01/b.csv" in receipt["error"]
    assert bench.rows() == [(1, "a"), (2, "b")]
    assert bench.run("--set", "target.on_missing_source=rebuild")["exit_code"] == 0
    assert bench.rows() == [(1, "a"), (3, "c")]


@pytest.mark.slow
def test_append_adds_each_object_once_on_the_day_of_its_plan(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.feed(
        source__csv={"date_format": "dd/MM/yyyy"},
        source__columns={"id": "long", "born": "date"},
        target__fill="append",
        target__partition_date="processing",
    )
    freeze_day(monkeypatch, "2026-08-09")
    first = bench.put("a.csv", "id,born\n1,29/02/2020\n2,29/02/2021\n")
    bench.run()
    freeze_day(monkeypatch, "2026-08-10")
    bench.put("b.csv", "id,born\n3,01/01/0001\n4,31/12/9999\n")
    bench.run()
    assert bench.run()["status"] == "nothing_new"
    expected = [("1", "2020-02-29", "09"), ("3", "0001-01-01", "10"), ("4", "9999-12-31", "10")]
    columns = ("cast(id as string) id", "cast(born as string) born", "day")
    table = bench.spark.read.parquet(str(bench.lake / "refined/people")).selectExpr(*columns)
    assert sorted(map(tuple, table.collect())) == expected

    first.write_text("id,born\n7,01/01/2001\n")
    receipt = bench.run()
    assert receipt["exit_code"] == 3
    assert "day=01/a.csv was rewritten" in receipt["error"]
    assert bench.run(verb="rebuild")["exit_code"] == 0
    table = bench.spark.read.parquet(str(bench.lake / "refined/people")).selectExpr(*columns)
    assert sorted(map(tuple, table.collect())) == [expected[1], expected[2], ("7", "2001-01-01", "09")]
    assert bench.strays() == []


@pytest.mark.slow
def test_append_by_a_column_preserves_unusual_values(bench: Bench) -> None:
    bench.feed(target__fill="append", target__partition_by=["name"])
    names = [None, "a/b", "a=b %", "R&D", "Zürich"]
    bench.put("a.csv", "id,name\n" + "".join(f"{n},{name or ''}\n" for n, name in enumerate(names)))
    bench.run()
    assert bench.rows() == sorted(enumerate(names), key=repr)
    assert bench.strays() == []


@pytest.mark.slow
def test_rebuild_after_a_change_of_type(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,2\n")
    bench.put("b.csv", "id,name\n3,4\n", day="02")
    bench.run()
    bench.feed(source__columns={"id": "long", "name": "long"})
    bench.put("c.csv", "id,name\n5,6\n", day="02")
    receipt = bench.run()
    assert receipt["exit_code"] == 2
    assert receipt["error"].startswith("column name is string in the table and bigint in the feed; run `rebuild`")
    assert bench.run("--date", "2026-08-02", verb="rebuild")["exit_code"] == 2
    assert bench.run(verb="rebuild")["schema_changes"] == ["column name is string in the table and bigint in the feed"]
    assert bench.rows() == [(1, 2), (3, 4), (5, 6)]
    assert bench.strays() == []


@pytest.mark.slow
def test_narrowed_to_a_day(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bench.put("b.csv", "id,name\n2,b\n", day="02")
    bench.run("--date", "2026-08-02")
    assert bench.rows() == [(2, "b")]
    answer = bench.command("run", "--partition", "year=2026,month=9")
    assert answer.exit_code == 2
    assert answer.last_line == "error: no source object matches year=2026/month=9"
    bench.run("--partition", "month=8")
    assert bench.rows() == [(1, "a"), (2, "b")]


@pytest.mark.slow
def test_flat_folder_with_dates_in_names(bench: Bench) -> None:
    bench.feed(source__file_name="my_people_{year}{month}{day}*.csv")
    folder = bench.lake / "raw/people"
    folder.mkdir(parents=True)
    (folder / "my_people_20190821.csv").write_text("id,name\n1,a\n")
    (folder / "my_people_20190822_2.csv").write_text("id,name\n2,b\n")
    (folder / "readme.txt").write_text("not data")
    (folder / ".hidden.csv").write_text("id,name\n")
    receipt = bench.run()
    assert receipt["ignored"] == {
        "raw/people/.hidden.csv": "hidden: a folder or its name begins with a dot; rename it if it is data",
        "raw/people/readme.txt": "name does not match source.file_name",
    }
    assert bench.rows("id", "year", "month", "day") == [(1, "2019", "08", "21"), (2, "2019", "08", "22")]


@pytest.mark.slow
@pytest.mark.parametrize("multiline", [True, False])
def test_hidden_objects_are_reported_or_read(bench: Bench, multiline: bool) -> None:
    """Spark skips files whose names begin with _, even if they are named explicitly."""
    names = {"plain.csv": 1, "_named.csv": 2, "_posts/in.csv": 3, "_posts/_both.csv.gz": 4, "__x/_y/z.csv": 5}
    for name, number in names.items():
        text = f'id,name\n{number},"a ""b"""\nx,y\n'
        bench.put(name, gzip.compress(text.encode()) if name.endswith(".gz") else text)
    never = {"_SUCCESS": "", "_temporary/0/t.csv": "id,name\n7,t\n", "_posts/.d.csv": "id,name\n8,d\n"}
    for name, text in never.items():
        bench.put(name, text)
    bench.feed(source__csv={"multiline": multiline})
    folder = "raw/people/year=2026/month=08/day=01/"
    (plan,) = bench.command("plan", "--json").data
    receipt = bench.run()
    assert plan["ignored"] == receipt["ignored"]
    assert {path.removeprefix(folder) for path in receipt["ignored"]} == {*names, *never} - {"plain.csv"}
    assert "source.hidden: read includes it" in receipt["ignored"][f"{folder}_posts/in.csv"]
    assert bench.rows() == [(1, 'a "b"')]

    bench.feed(source__csv={"multiline": multiline}, source__hidden="read")
    receipt = bench.run()
    assert {path.removeprefix(folder) for path in receipt["ignored"]} == set(never)
    assert bench.rows() == [(number, 'a "b"') for number in names.values()]
    assert len(bench.quarantine()) == len(names)
    assert bench.strays() == []


@pytest.mark.slow
def test_the_folder_of_a_source_may_be_hidden(bench: Bench) -> None:
    bench.feed(source__path="raw/_people/")
    path = bench.lake / "raw/_people/year=2026/month=08/day=01/a.csv"
    path.parent.mkdir(parents=True)
    path.write_text("id,name\n1,a\n")
    assert bench.run()["counts"]["written"] == 1
    assert bench.rows() == [(1, "a")]


@pytest.mark.slow
@pytest.mark.parametrize("delimiter", ["\t", "\x01", ","])
def test_lines_of_blanks_are_records(bench: Bench, delimiter: str) -> None:
    bench.feed(
        source__csv={"multiline": False, "delimiter": delimiter},
        source__columns={"id": "long", "name": "string"},
        target__partition_by=[],
    )
    bench.put("a.csv", f"id{delimiter}name\n{delimiter}\n  \n\n1{delimiter} \n")
    bench.run()
    assert bench.rows() == [(1, " "), (None, None)]
    assert [(reasons(row), row["text"]) for row in bench.quarantine()] == [([("field_count", None)], "  ")]


@pytest.mark.slow
def test_repeated_headers_without_multiline(bench: Bench) -> None:
    bench.feed(source__csv={"multiline": False}, source__columns={"name": "string"})
    bench.put("a.csv", '\ufeff"name"\r\n\r\na\r\n"name"\r\n \r\n')
    bench.put("b.csv", "name\nb\nname\nname\n")
    receipt = bench.run()
    assert bench.rows("name") == [(" ",), ("a",), ("b",)]
    assert receipt["rules"] == {"repeated_header": 3}
    assert receipt["counts"]["read"] == 6


@pytest.mark.slow
@pytest.mark.parametrize("multiline", [True, False])
def test_a_record_of_more_fields_than_spark_reads(bench: Bench, multiline: bool) -> None:
    bench.feed(source__csv={"multiline": multiline})
    bench.put("a.csv", "id,name\n1,a\n" + "2," * 20_480 + "\n3,c\n")
    bench.put("b.csv", "id,name\n4,d\n")
    assert bench.run()["rules"] == {"field_count": 1}
    assert bench.rows("id") == [(1,), (3,), (4,)]


@pytest.mark.slow
def test_unreadable_names_do_not_stop_other_objects_and_are_escaped(bench: Bench) -> None:
    bench.put("sound.csv", "id,name\n1,a\n")
    folder = bench.put("new\nerror: line.csv", "id,name\n2,b\n").parent
    Path(os.fsdecode(os.fsencode(folder) + b"/\xe9.csv")).write_bytes(b"id,name\n3,c\n")
    (folder / "passwords.csv").symlink_to("/etc/passwd")
    bench.put("marker_$folder$", "")
    receipt = bench.run()
    day = "raw/people/year=2026/month=08/day=01"
    assert (receipt["status"], receipt["exit_code"], receipt["counts"]["written"]) == ("committed", 3, 1)
    assert receipt["refused"] == {
        f"{day}/new\nerror: line.csv": "its name is not a valid Hadoop path; rename it",
        f"{day}/\\xe9.csv": "its name is not UTF-8; rename it",
    }
    assert receipt["ignored"] == {
        f"{day}/marker_$folder$": "a folder marker",
        f"{day}/passwords.csv": "a symbolic link that leads out of the lake; copy the data into the lake",
    }
    for verb in ("run", "plan", "receipt"):
        answer = bench.command(verb)
        assert "new\\nerror: line.csv" in (answer.stdout + answer.stderr).replace("│\n│", "")
        assert not [line for line in answer.stderr.splitlines() if line.startswith("error: line.csv")]
    assert len(bench.command("run").stderr.splitlines()) == 1


def test_unusual_object_names_are_read(bench: Bench) -> None:
    names = ["a b.csv", "ü[1]{x}*?.csv", "100%.csv", "a+b#c&d=e.csv", "quote'\".csv", "日本.csv"]
    for number, name in enumerate(names):
        bench.put(name, f"id,name\n{number},x\n")
    bench.run()
    assert bench.rows("id") == [(number,) for number in range(len(names))]


def test_names_that_spark_cannot_open_are_refused(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bench.put("b:c.csv", "id,name\n2,b\n")
    bench.put("d\ne.csv", "id,name\n3,d\n")
    receipt = bench.run()
    assert receipt["exit_code"] == 3
    assert set(receipt["refused"].values()) == {"its name is not a valid Hadoop path; rename it"}
    assert bench.rows() == [(1, "a")]


@pytest.mark.slow
def test_an_unpartitioned_table_is_rebuilt_as_a_whole(bench: Bench) -> None:
    bench.feed(target__partition_by=[], target__compression="zstd")
    bench.put("a.csv", "id,name\n1,a\n")
    bench.run()
    bench.put("b.csv", "id,name\n2,b\n")
    bench.run()
    assert bench.rows() == [(1, "a"), (2, "b")]
    (file,) = (bench.lake / "refined/people").glob("*.parquet")
    assert pq.ParquetFile(file).metadata.row_group(0).column(0).compression == "ZSTD"
    assert bench.strays() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "is_read", [pytest.param(False, id="before-a-worker-reads-it"), pytest.param(True, id="after")]
)
def test_an_object_that_is_rewritten_while_it_is_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, is_read: bool
) -> None:
    from lakewright.csv.rows import TypedRows

    path = bench.put("a.csv", "id,name\n1,old\n")
    write = TypedRows.write

    def change(rows: TypedRows, *places: Any) -> WrittenRows:
        monkeypatch.setattr(TypedRows, "write", write)
        written = write(rows, *places) if is_read else None
        path.write_text("id,name\n2,newer\n")
        return written or write(rows, *places)

    monkeypatch.setattr(TypedRows, "write", change)
    receipt = bench.run()
    assert [batch["status"] for batch in receipt["batches"]] == ["dropped", "committed"]
    assert bench.rows() == [(2, "newer")]
    assert bench.strays() == []


@pytest.mark.slow
def test_birdstrikes_equal_the_expected_rows(spark: Any, tmp_path: Any) -> None:
    lake = tmp_path / "lake"
    (lake / "raw").mkdir(parents=True)
    (lake / "raw/birdstrikes").symlink_to(ROOT / "examples/raw/birdstrikes")
    answer = command("run", "birdstrikes", "--lake", str(lake), "--config", str(ROOT / "conf"), "--json")
    assert answer.exit_code == 0, answer.stderr
    assert answer.data[0]["counts"]["written"] == 10_000
    from jobs.feeds.csv_to_parquet import CsvToParquetFeed
    from lakewright.config_files import Conf, FeedDocument

    feed = FeedDocument(Conf(str(ROOT / "conf")), "birdstrikes").parse(CsvToParquetFeed)
    table = spark.read.parquet(str(lake / "refined/birdstrikes"))
    ours = table.selectExpr(*(f"`{name}` as `{header}`" for name, (header,) in feed.header_names().items()))
    expected = spark.read.parquet(str(ROOT / "tests/data/birdstrikes/expected.parquet"))
    expected = expected.select(*ours.columns)
    assert ours.exceptAll(expected.selectExpr(*(f"cast(`{n}` as {t}) `{n}`" for n, t in ours.dtypes))).count() == 0
    assert ours.count() == expected.count() == 10_000


def wide(row: str) -> str:
    return "id,name," + ",".join(f"c{n}" for n in range(40)) + "\n" + row + "," + ",".join("1" * 40) + "\n"


@pytest.mark.slow
def test_forty_columns_and_a_rejected_row(bench: Bench) -> None:
    bench.feed(source__columns={"id": "long", "name": "string"} | {f"c{n}": "decimal(5,2)" for n in range(40)})
    bench.put("a.csv", wide("1,a") + "x,b," + ",".join("y" * 40) + "\n")
    receipt = bench.run()
    assert receipt["counts"]["rejected"] == 1
    assert len(receipt["rules"]) == 41
    assert len(bench.quarantine()[0]["reasons"]) == 41


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        pytest.param('id,name,junk\n1,a,"open\n2,b,c\n3,c,d\n', id="never-closed"),
        pytest.param('id,name,junk\n1,a,"open\n2,b,c\n3,x"y\n4,d,e\n', id="closed-by-a-later-quote"),
        pytest.param('id,name,junk\n9,ok,1\nx,a,"open\n2,b,c\n3,c,d\n', id="in-a-rejected-row"),
        pytest.param('junk,id,name\n"open,1,a\nb,2,c\n', id="with-too-few-fields"),
    ],
)
def test_an_unclosed_quote_in_an_undeclared_column(bench: Bench, text: str) -> None:
    bench.put("a.csv", text)
    receipt = bench.run()
    assert receipt["exit_code"] == 3
    assert "a quoted field opens here and is not closed" in receipt["error"]
    assert bench.rows() == []
    assert bench.strays() == []


@pytest.mark.slow
def test_parts_of_a_multiline_record_are_never_rows(bench: Bench) -> None:
    bench.feed(source__csv={"multiline": False}, source__columns={"a": "string", "b": "string"})
    bench.put("a.csv", 'a,b\n"one\ntwo",x\n"p,q\nr",s\ngood,row\n')
    bench.run()
    assert bench.rows("a", "b") == [("good", "row")]
    assert len(bench.quarantine()) == 4
    bench.put("b.csv", 'a,b\n"one\nlooks,fine\ntwo",x\n')
    receipt = bench.run()
    assert receipt["exit_code"] == 3
    assert "b.csv: line 3: it is inside a quoted field of several lines" in receipt["error"]


@pytest.mark.slow
def test_gzip_that_begins_with_an_empty_member(bench: Bench) -> None:
    bench.put("a.csv.gz", gzip.compress(b"") + gzip.compress(b"id,na") + gzip.compress(b"me\n1,a\n"))
    bench.run()
    assert bench.rows() == [(1, "a")]


@pytest.mark.slow
def test_two_concatenated_files_with_byte_order_marks(bench: Bench) -> None:
    bench.feed(source__columns={"id": "string", "name": "string"})
    bench.put("a.csv", "\ufeffid,name\n1,a\n\ufeffid,name\n2,b\n")
    bench.run()
    assert bench.rows() == [("1", "a"), ("2", "b")]
    assert [reason["rule"] for row in bench.quarantine() for reason in row["reasons"]] == ["repeated_header"]


@pytest.mark.slow
def test_columns_with_internal_names_and_cells_without_a_name(bench: Bench) -> None:
    bench.feed(source__columns={"uri": "long", "c1": "string", "a.b": "string"})
    bench.put("a.csv", "uri,c1,a.b,,\n1,x,y,,\n")
    bench.run()
    assert bench.rows("uri", "c1", "`a.b`") == [(1, "x", "y")]


@pytest.mark.slow
def test_a_lake_named_with_dots_and_a_soft_hyphen(bench: Bench) -> None:
    (bench.lake / "so\u00adft").mkdir()
    (bench.lake / "so\u00adft/raw").symlink_to(bench.lake / "raw")
    bench.put("a.csv", "id,name\n1,a\n")
    where = ("--lake", f"{bench.lake}/x/../so\u00adft", "--config", str(bench.root / "conf"))
    answer = command("run", "people", *where, "--json")
    assert answer.data[0]["counts"]["written"] == 1


@pytest.mark.parametrize("name", ["year=2026/month=13/day=01/a.csv", "year=2026/month=08/day=/a.csv", "a.csv"])
def test_a_name_without_a_valid_date_is_refused(bench: Bench, name: str) -> None:
    path = bench.lake / "raw/people" / name
    path.parent.mkdir(parents=True)
    path.write_text("id,name\n1,a\n")
    receipt = bench.run()
    assert receipt["exit_code"] == 3
    assert "its name" in receipt["error"]


@pytest.mark.slow
def test_a_run_of_one_day_rebuilds_the_whole_month_partition(bench: Bench) -> None:
    bench.feed(target__partition_by=["year", "month"])
    bench.put("a.csv", "id,name\n1,a\n")
    bench.put("b.csv", "id,name\n2,b\n", day="02")
    bench.run()
    bench.put("c.csv", "id,name\n3,c\n", day="02")
    assert bench.run("--date", "2026-08-02")["exit_code"] == 0
    assert bench.rows() == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"target__partition_by": ["year", "month"]}, id="partitions"),
        pytest.param({"target__path": "curated/people/"}, id="path"),
        pytest.param({"target__fill": "append"}, id="fill"),
    ],
)
def test_another_layout_needs_a_rebuild(bench: Bench, change: dict[str, Any]) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bench.put("b.csv", "id,name\n2,b\n", day="02")
    bench.run()
    bench.feed(**change)
    bench.put("c.csv", "id,name\n3,c\n", day="02")
    receipt = bench.run()
    assert receipt["exit_code"] == 2
    assert "the table's layout is refined/people/ by year/month/day" in receipt["error"]
    assert bench.run(verb="rebuild")["exit_code"] == 0
    files = list(bench.lake.rglob("refined/**/*.parquet")) + list(bench.lake.rglob("curated/**/*.parquet"))
    assert sum(pq.ParquetFile(file).metadata.num_rows for file in files) == 3
    assert bench.strays() == []


@pytest.mark.slow
@pytest.mark.parametrize("fill", ["rebuild", "append"])
def test_a_path_of_another_name_needs_a_rebuild(bench: Bench, fill: str) -> None:
    bench.feed(target__fill=fill)
    bench.put("a.csv", "id,name\n1,a\n")
    old = bench.put("b.csv", "id,name\n2,b\n", day="02")
    bench.run()
    bench.feed(target__path="refined/persons/", target__fill=fill)
    for verb in ("plan", "run"):
        answer = bench.command(verb)
        assert answer.exit_code == 2
        assert "the table's layout is refined/people/ by" in answer.last_line
        assert answer.last_line.endswith("run `rebuild` to rebuild the whole table")
    old.unlink()
    receipt = bench.run(verb="rebuild")
    assert (receipt["exit_code"], "1 committed ones are gone" in receipt["error"]) == (3, True)
    bench.put("b.csv", "id,name\n2,b\n", day="02")
    receipt = bench.run(verb="rebuild")
    assert (receipt["exit_code"], receipt["counts"]["written"]) == (0, 2)
    (warning,) = receipt["warnings"]
    assert warning.startswith("the former table with layout refined/people/ by year/month/day of the source date")
    assert bench.rows() == [(1, "a"), (2, "b")], "the former table is left as it was"
    bench.put("c.csv", "id,name\n3,c\n")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["warnings"]) == (0, [])


@pytest.mark.slow
def test_a_type_change_with_an_open_batch_and_a_column_that_is_added_again(bench: Bench) -> None:
    from lakewright.log.log import FORMAT, Log, OverwritePartitions, Plan
    from lakewright.log.records import SourceObject
    from lakewright.storage.uris import open_lake

    bench.feed(source__columns={"id": "long", "name": "string", "more": "string"})
    bench.put("a.csv", "id,name,more\n1,2,m\n")
    bench.run()
    path = bench.put("b.csv", "id,name,more\n3,4,m\n", day="02")
    stored = open_lake(str(bench.lake)).stat(path.relative_to(bench.lake).as_posix())
    assert stored is not None
    source = SourceObject(path=stored.path, size=stored.size, etag=stored.etag, values={"year": "2026"})
    plan = Plan(
        FORMAT, 2, "killed", "csv_to_parquet", "2026-08-01", "another", [source], OverwritePartitions(["year=2026"])
    )
    Log(open_lake(str(bench.lake)), "state/people/people/").write_plan(plan)
    bench.feed()
    receipt = bench.run()
    assert [(batch["status"], batch["reason"]) for batch in receipt["batches"]] == [
        ("dropped", "the feed has changed since planned"),
        ("committed", ""),
    ]
    assert receipt["schema_changes"] == ["dropped more; older files keep it"]
    bench.feed(source__columns={"id": "long", "name": "string", "more": "long"})
    bench.put("c.csv", "id,name,more\n5,6,7\n", day="03")
    assert "column more is string in the table and bigint in the feed" in bench.run()["error"]


@pytest.mark.slow
def test_rebuild_of_an_appended_table_keeps_rows_of_refused_objects(bench: Bench) -> None:
    bench.feed(target__fill="append", target__on_missing_source="rebuild")
    bench.put("a.csv", "id,name\n1,a\n")
    bench.put("b.csv", "id,name\n2,b\n")
    bench.run()
    bench.put("a.csv", "id\n1\n")
    assert bench.run(verb="rebuild")["exit_code"] == 3
    assert bench.rows() == [(1, "a"), (2, "b")]


def test_two_feeds_have_separate_staging_folders(bench: Bench) -> None:
    from lakewright.runs.job.target import Target

    assert Target("one", "t", "refined/t/").staging_folder != Target("two", "t", "refined/t/").staging_folder


@pytest.mark.slow
def test_share_of_rejected_rows_is_exact(bench: Bench) -> None:
    bench.feed(max_rejected=0.29)
    bench.put("a.csv", "id,name\n" + "x,a\n" * 29 + "1,a\n" * 71)
    assert bench.run()["exit_code"] == 0


@pytest.mark.slow
def test_a_value_that_cannot_be_a_partition_folder_is_rejected(bench: Bench) -> None:
    bench.feed(target__fill="append", target__partition_by=["name"])
    bench.put("a.csv", f'id,name\n1,""\n2,\n3,{"x" * 300}\n4,__HIVE_DEFAULT_PARTITION__\n')
    receipt = bench.run()
    assert receipt["rules"] == {"name: partition": 3}
    assert bench.rows() == [(2, None)]


def test_the_error_names_an_invalid_log_entry(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bench.run()
    (bench.lake / "state/people/people/log/000000001.outcome.json").write_text('{"number"')
    answer = bench.command("run")
    assert answer.exit_code == 1
    assert answer.last_line.startswith("error: state/people/people/log/000000001.outcome.json is not a valid log entry")


@pytest.mark.parametrize("verb", ["run", "rebuild", "plan", "status"])
def test_a_log_of_a_newer_version_is_refused_before_anything_is_written(bench: Bench, verb: str) -> None:
    bench.put("a.csv", "id,name\n1,a\n")
    bench.run()
    bench.put("b.csv", "id,name\n2,b\n")
    entry = bench.lake / "state/people/people/log/000000001.outcome.json"
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"format": 2}))
    receipts = bench.lake / "state/people/people/receipts"

    def tree() -> dict[str, bytes]:
        files = (path for path in bench.lake.rglob("*") if path.is_file() and receipts not in path.parents)
        return {str(path): path.read_bytes() for path in files}

    before = tree()
    answer = bench.command(verb)
    assert answer.exit_code == 1
    assert "state/people/people/log/000000001.outcome.json was written by a newer version (format 2" in answer.last_line
    assert tree() == before


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"target__path": "raw/people/x/"}, " overlap"),
        ({"target__path": "state/x/"}, "a target must be a separate folder"),
        ({"target__path": "refined//x/"}, "a target must be a separate folder"),
        ({"source__path": "raw/../people"}, "a source must be a folder in the lake"),
        ({"source__csv": {"encoding": "rot13"}}, "rot13 is not an encoding of text"),
        ({"target__partition_by": ["year", "year"]}, "names a column twice"),
        ({"target__partition_by": ["id", "name"]}, "at least one must remain in the files"),
        ({"target__partition_date": "processing"}, "rebuild needs partitions from the date in object names"),
        ({"source__columns": {"id": "long", "ID": "string"}}, "column 'id' is repeated"),
        (
            {"source__columns": {"id": "long", "Month": "string"}},
            "column 'Month': the table is partitioned by month, which comes from the objects' names or the day of "
            "processing; rename the column, with from: Month",
        ),
        ({"source__columns": {"_lakewright_x": "long"}}, "are reserved"),
        ({"source__columns": {"_LAKEWRIGHT_object": "long"}}, "are reserved"),
        ({"source__csv": {"delimiter": r"\x01"}}, 'use double quotes: "\\t" is a tab, "\\x01" is Ctrl-A'),
        ({"source__columns": {"d": {"type": "timestamp", "timezone": "Mars/Base"}}}, "unknown time zone 'Mars/Base'"),
        (
            {"source__csv": {"header": False, "names": ["id", "name", "\u00e9", "e\u0301"]}},
            "'é' is repeated; names are compared without case",
        ),
        (
            {
                "source__csv": {"header": False, "names": ["id", "a", "b"]},
                "source__columns": {"id": "long", "name": {"type": "string", "from": ["A", "b"]}},
            },
            "source.columns.name: source.csv.names has 'A' and 'b'",
        ),
        ({"source__columns": {"d": "decimal(40,2)"}}, "decimal(40,2) is not a valid decimal"),
    ],
)
def test_invalid_feeds_are_refused(bench: Bench, changes: dict[str, Any], problem: str) -> None:
    bench.feed(**changes)
    answer = bench.command("run")
    assert answer.exit_code == 2
    assert problem in answer.last_line


@pytest.mark.parametrize(
    ("columns", "target"),
    [
        pytest.param(
            {"id": "long", "year": "int", "MONTH": "string", "day": "date"},
            {"partition_by": []},
            id="an-unpartitioned-table",
        ),
        pytest.param(
            {"id": "long", "month": "int", "day": "string"},
            {"partition_by": ["year"]},
            id="columns-that-are-not-partition-keys",
        ),
        pytest.param(
            {"id": "long", "Year": "int", "day": "string"},
            {"partition_by": ["Year"], "fill": "append"},
            id="a-partition-column-of-that-name",
        ),
    ],
)
def test_year_month_and_day_are_ordinary_names_unless_they_partition_the_table(
    bench: Bench, columns: dict[str, str], target: dict[str, Any]
) -> None:
    bench.feed()
    feed = yaml.safe_load((bench.root / "conf/feeds/people.yaml").read_text())
    feed["source"]["columns"] = columns
    feed["target"] = {"path": "refined/people/", **target}
    (bench.root / "conf/feeds/people.yaml").write_text(yaml.safe_dump(feed))
    bench.put("a.csv", "id,year,month,day\n1,1999,12,1999-12-31\nx,1998,11,1998-11-30\n")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["rules"]) == (0, {"id: type": 1}), receipt["error"]
    expected = {"id": "1", "year": "1999", "month": "12", "day": "1999-12-31"}
    # Spark infers a number from a partition folder's name.
    assert [tuple(map(str, row)) for row in bench.rows(*columns)] == [tuple(expected[name.lower()] for name in columns)]
    (rejected,) = bench.quarantine()
    assert rejected["fields"] == {
        name: {"id": "x", "year": "1998", "month": "11", "day": "1998-11-30"}[name.lower()] for name in columns
    }


def test_a_tab_in_single_quotes_is_a_tab(bench: Bench) -> None:
    bench.feed()
    path = bench.root / "conf/feeds/people.yaml"
    path.write_text(path.read_text().replace("source:\n", "source:\n  csv: {delimiter: '\\t'}\n"))
    bench.put("a.csv", "id\tname\n1\ta,b\n")
    assert bench.run()["exit_code"] == 0
    assert bench.rows() == [(1, "a,b")]


@pytest.mark.slow
@pytest.mark.parametrize("partition_by", [["year", "month", "day"], ["year", "na{me`"], []])
def test_small_objects_of_a_partition_share_a_file(bench: Bench, partition_by: list[str]) -> None:
    fill = {"target__fill": "append"} if "na{me`" in partition_by else {}
    bench.feed(
        target__partition_by=partition_by,
        source__columns={"id": "long", "na{me`": {"type": "string", "from": "name"}},
        **fill,
    )
    for number in range(6):
        bench.put(f"{number}.csv", f"id,name\n{number},a\n{number + 10},b\n", day=f"0{number % 2 + 1}")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["counts"]["written"]) == (0, 12)
    assert sorted(row[0] for row in bench.rows("id")) == sorted([*range(6), *range(10, 16)])
    files = {(path.parent.name, path.name) for path in (bench.lake / "refined/people").rglob("*.parquet")}
    assert len(files) == max(1, len({folder for folder, _ in files}))


def test_rejected_rows_of_a_refused_batch_are_all_kept(bench: Bench) -> None:
    for day in ("01", "02", "03"):
        bench.put(f"{day}.csv", f"id,name\nx{day},a\n", day=day)
    bench.feed(max_rejected=0.5)
    receipt = bench.run()
    (batch,) = receipt["batches"]
    assert (receipt["exit_code"], receipt["counts"]["rejected"]) == (3, 3)
    assert len(set(batch["quarantined"])) == len(batch["quarantined"])
    assert len(bench.quarantine()) == 3
