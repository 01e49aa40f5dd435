"""Edited rows of CSV objects: formats, values, and what a wrong CSV is refused for."""

import codecs
import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lakewright.errors import OvertakenError
from lakewright.replay.csv_objects import CsvCorrector
from lakewright.runs.lease import Lease
from lakewright.storage.compression.codecs import compressed_as
from lakewright.storage.lake import Lake
from tests.replay.lakes import ReplayLake

DAY = "raw/people/year=2026/month=08/day=01"
COLUMNS = {"id": "long", "name": "string"}


def feed(**source: Any) -> dict[str, Any]:
    return {
        "job": "csv_to_parquet",
        "source": {"path": "raw/people/", "columns": COLUMNS, **source},
        "target": {"path": "refined/people/", "partition_by": ["day"]},
        "max_rejected": 1.0,
        "lease_seconds": 2,
    }


@pytest.fixture
def lake(tmp_path: Path) -> ReplayLake:
    return ReplayLake(tmp_path, feed())


def with_id(identity: str) -> Any:
    """Change the id of every row; of torn rows, the text."""
    return lambda row: {"id": identity} if row["fields"] else {"text": f"{identity},{row['text']}"}


@pytest.mark.parametrize(
    ("name", "csv", "data"),
    [
        pytest.param("a.csv", {}, b'id,name\n1,a\nx,"b; ""c"""\n', id="utf-8"),
        pytest.param("a.csv", {}, codecs.BOM_UTF8 + b'id,name\r\n1,a\r\nx,"b; ""c"""\r\n', id="mark-and-crlf"),
        pytest.param("a.csv", {}, b'id,name\r1,a\rx,"b; ""c"""\r', id="cr"),
        pytest.param("a.csv.gz", {}, gzip.compress(b'id,name\n1,a\nx,"b; ""c"""\n'), id="gzip"),
        pytest.param("a.csv", {"delimiter": ";"}, b'id;name\n1;a\nx;"b; ""c"""\n', id="semicolons"),
        pytest.param(
            "a.csv", {"delimiter": "§"}, 'id§name\n1§a\nx§"b; ""c"""\n'.encode(), id="a-delimiter-outside-ascii"
        ),
        pytest.param(
            "a.csv", {"encoding": "ISO-8859-1"}, 'id,name\n1,é\nx,"b; ""c"""\n'.encode("latin-1"), id="latin-1"
        ),
        pytest.param("a.csv", {"encoding": "UTF-16"}, 'id,name\n1,é\nx,"b; ""c"""\n'.encode("utf-16"), id="utf-16"),
        pytest.param("a.csv", {"encoding": "UTF-16BE"}, 'id,name\nx,"b; ""c"""\n'.encode("utf-16-be"), id="utf-16-be"),
        pytest.param("a.csv", {"multiline": False}, b'id,name\n1,a\nx,"b; ""c"""\n', id="line-by-line"),
        pytest.param("a.csv", {"quote": "'"}, b"id,name\n1,a\nx,'b; \"c\"'\n", id="single-quotes"),
        pytest.param("a.csv", {"escape": "\\"}, b'id,name\n1,a\\,b\nx,b; \\"c\\"\n', id="backslashes"),
        pytest.param("a.csv", {"escape": "spark"}, b'id,name\n1,a\nx,"b; \\"c\\""\n', id="spark"),
        pytest.param(
            "a.csv",
            {"escape": "mysql", "quote": "none", "delimiter": "\t"},
            b'id\tname\n1\t\\N\nx\tb; "c"\n',
            id="mysql-without-quotes",
        ),
        pytest.param(
            "a.csv",
            {"escape": "postgres", "quote": "none", "delimiter": "|"},
            b'id|name\n1|a\\|b\nx|b; \\"c\\x22\n',
            id="postgres-without-quotes",
        ),
        pytest.param("a.csv", {"comment": "#"}, b'#"\nid,name\nx,"b; ""c"""\n#end', id="comments"),
        pytest.param(
            "a.csv", {"trailing_delimiter": "allow"}, b'id,name,\n1,a,\nx,"b; ""c""",\n', id="trailing-delimiters"
        ),
        pytest.param("a.csv", {"skip_initial_space": True}, b'id, name\n1, a\nx, "b; ""c"""\n', id="initial-spaces"),
        pytest.param("a.csv", {"delimiter": "||"}, b'id||name\n1||a\nx||"b; ""c"""\n', id="a-long-delimiter"),
        pytest.param("_hidden.csv", {}, b'id,name\n1,a\nx,"b; ""c"""\n', id="a-hidden-name"),
        pytest.param(
            "a.csv", {"encoding": "Shift_JIS"}, 'id,name\n1,表\nx,"b; ""c"""\n'.encode("shift_jis"), id="shift-jis"
        ),
        pytest.param("a.csv", {"encoding": "cp037"}, 'id,name\n1,[\nx,"b; ""c"""\n'.encode("cp037"), id="ebcdic"),
        pytest.param("a.csv", {"encoding": "UTF-32"}, 'id,name\n1,é\nx,"b; ""c"""\n'.encode("utf-32"), id="utf-32"),
        pytest.param("a.csv", {"encoding": "utf-8-sig"}, codecs.BOM_UTF8 + b'id,name\nx,"b; ""c"""\n', id="utf-8-sig"),
        pytest.param("a.csv.bz2", {}, compressed_as(".bz2", b'id,name\n1,a\nx,"b; ""c"""\n'), id="bzip2"),
        pytest.param("a.csv.zst", {}, compressed_as(".zst", b'id,name\n1,a\nx,"b; ""c"""\n'), id="zstd"),
        pytest.param("a.csv.zip", {}, compressed_as("a.csv.zip", b'id,name\n1,a\nx,"b; ""c"""\n'), id="zip"),
        pytest.param("a.csv", {"header": False}, b'1,a\nx,"b; ""c"""\n', id="without-a-header"),
        pytest.param(
            "a.csv",
            {"header": False, "names": ["name", "", "id"]},
            b'a,2,1\n"b; ""c""",3,x\n',
            id="names-by-position",
        ),
        pytest.param(
            "a.csv",
            {"skip_lines": 2, "separator_line": True, "footer_lines": 2},
            b'sep=,\nmade,by\n"hand\nid,name\n1,a\nx,"b; ""c"""\n2\n"end',
            id="lines-before-and-after",
        ),
        pytest.param(
            "a.csv.zip",
            {"header": False, "skip_lines": 1, "footer_lines": 1, "encoding": "GB18030"},
            compressed_as("a.csv.zip", 'made 漢\n1,€😀\nx,"b; ""c"""\n2 rows\n'.encode("gb18030")),
            id="everything-at-once",
        ),
        pytest.param("a [1]%.csv", {}, b'id,name\n1,a\nx,"b; ""c"""\n', id="an-odd-name"),
    ],
)
def test_corrections_are_written_as_the_source_is(tmp_path: Path, name: str, csv: dict[str, Any], data: bytes) -> None:
    lake = ReplayLake(tmp_path, feed(csv=csv, hidden="read"))
    lake.put(f"{DAY}/{name}", data)
    rejected = lake.run()["counts"]["rejected"]
    done = lake.run("replay", *lake.edit(with_id("7")))
    assert (rejected, done["exit_code"], done["replayed"]) == (1, 0, {"corrected": 1}), done
    assert ("01", 7, 'b; "c"') in lake.rows()
    assert lake.quarantine() == []
    before = lake.rows()
    assert lake.run("rebuild")["exit_code"] == 0
    assert lake.rows() == before


def test_a_carriage_return_is_data_line_by_line_as_well(tmp_path: Path) -> None:
    lake = ReplayLake(tmp_path, feed(csv={"multiline": False}))
    lake.put(f"{DAY}/a.csv", 'id,name\nx,"b\rc"\n')
    lake.run()
    assert lake.run("replay", *lake.edit(with_id("7")))["replayed"] == {"corrected": 1}
    assert lake.rows() == [("01", 7, "b\rc")]


def test_a_value_that_has_no_text_in_the_source_s_dialect_is_refused_by_line(tmp_path: Path) -> None:
    lake = ReplayLake(tmp_path, feed(csv={"quote": "none"}))
    lake.put(f"{DAY}/a.csv", 'id,name\nx,"a"\n')
    assert lake.run()["counts"]["rejected"] == 1
    done = lake.run("replay", *lake.edit(lambda row: {"id": "7", "name": "a,b"}))
    assert done["exit_code"] == 2
    assert re.search("line 2 .*: a value has the delimiter", done["error"]), done


@pytest.mark.parametrize("fill", ["rebuild", "append"])
@pytest.mark.parametrize("name", ["people", "objects"])
def test_a_table_may_have_the_name_of_a_folder_of_corrections(tmp_path: Path, name: str, fill: str) -> None:
    lake = ReplayLake(tmp_path, feed(), name, target="objects")
    lake.configure(target__path="refined/objects/", target__fill=fill)
    lake.put(f"{DAY}/objects/a.csv", "id,name\n1,a\nx,b\ny,c\n")
    lake.run()
    for value, identity in (("x", "2"), ("y", "3")):
        edited = lake.edit(lambda row, value=value, new=identity: {"id": new} if row["fields"]["id"] == value else None)
        done = lake.run("replay", *edited)
        assert (done["exit_code"], done["replayed"], done["warnings"]) == (0, {"corrected": 1}, []), done
    assert lake.quarantine() == []
    for _ in range(2):
        assert lake.rows("refined/objects") == [("01", 1, "a"), ("01", 2, "b"), ("01", 3, "c")]
        assert lake.run("rebuild")["exit_code"] == 0


def test_null_and_empty_text_stay_what_they_were(lake: ReplayLake) -> None:
    lake.put(f"{DAY}/a.csv", 'id,name\nx0,\nx1,""\nx2,old\nx3,gone\nx4,"a\r\nb"\nx5,\n')
    lake.run()
    names = {"x2": {"name": ""}, "x3": {"name": None}, "x5": {"name": ""}}
    edited = lake.edit(lambda row: {"id": row["fields"]["id"][1], **names.get(row["fields"]["id"], {})})
    assert lake.run("replay", *edited)["replayed"] == {"corrected": 6}
    rows = [("01", 0, None), ("01", 1, ""), ("01", 2, ""), ("01", 3, None), ("01", 4, "a\r\nb"), ("01", 5, "")]
    assert lake.rows() == rows


def test_objects_with_different_names_of_a_column(lake: ReplayLake) -> None:
    lake.configure(source__columns={"id": "long", "name": {"type": "string", "from": ["Full name", "full_name"]}})
    lake.put(f"{DAY}/a.csv", "id,\u00a0Full name\nx1,a\n")
    lake.put(f"{DAY}/b.csv", "FULL_NAME,id\nb,x2\n")
    assert lake.run()["counts"]["rejected"] == 2
    done = lake.run("replay", *lake.edit(lambda row: {"id": row["fields"]["id"][1]}))
    assert done["replayed"] == {"corrected": 2}
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]


def test_null_markers_stay_text_or_null(lake: ReplayLake) -> None:
    lake.configure(source__csv={"null_text": ["NULL"], "quoted_null": False})
    lake.put(f"{DAY}/a.csv", 'id,name\nx1,NULL\nx2,"NULL"\nx3,a\n')
    lake.run()
    edited = lake.edit(
        lambda row: {"id": row["fields"]["id"][1], **({"name": "NULL"} if row["fields"]["name"] == "a" else {})}
    )
    assert lake.run("replay", *edited)["replayed"] == {"corrected": 3}
    rows = [("01", 1, None), ("01", 2, "NULL"), ("01", 3, "NULL")]
    assert lake.rows() == rows
    assert lake.run("rebuild")["exit_code"] == 0
    assert lake.rows() == rows


def test_values_of_columns_that_are_declared_later_are_kept(lake: ReplayLake) -> None:
    lake.put(f"{DAY}/a.csv", "id,city,name\nx,Rome,a\n2,,b\ny,,c\n")
    lake.run()
    lake.run("replay", *lake.edit(lambda row: {"id": "1"} if row["fields"]["id"] == "x" else {"id": "3"}))
    lake.configure(source__columns={**COLUMNS, "city": "string"})
    lake.run("rebuild")
    assert lake.rows() == [("01", "Rome", 1, "a"), ("01", None, 2, "b"), ("01", None, 3, "c")]


def test_a_row_that_can_no_longer_be_read_is_left_in_quarantine(lake: ReplayLake) -> None:
    lake.configure(target__fill="append")
    lake.put(f"{DAY}/a.csv", 'id,city,name\nNA,Rome,a\nNA,"Pa\nris",b\n')
    lake.run()
    lake.configure(source__csv={"null_text": ["NA"], "multiline": False})
    done = lake.run("replay")
    assert done["replayed"] == {"corrected": 1, "still_rejected": 1}
    assert (lake.lake / done["corrections"][0]).read_text() == '"id","city","name"\n"NA","Rome","a"\n'
    assert lake.rows() == [("01", None, "a")]
    edited = lake.edit(with_id("2"))
    done = lake.run("replay", *edited)
    assert (done["exit_code"], "line 2 of" in done["error"]) == (2, True), done["error"]


def test_rows_of_an_object_that_can_no_longer_be_read_do_not_stop_others(lake: ReplayLake) -> None:
    lake.configure(target__fill="append")
    lake.put(f"{DAY}/a.csv", "id,name\nx,a\n")
    lake.run()
    lake.configure(source__columns=COLUMNS | {"city": "string"})
    lake.put(f"{DAY}/b.csv", "id,name,city\ny,b,Rome\n")
    lake.run()
    done = lake.run("replay", *lake.edit(with_id("1")))
    assert done["replayed"] == {"corrected": 1, "unreadable": 1}, done["error"]
    assert re.search(
        r"1 row not replayed, .* cannot read raw/people/.*/a\.csv: the header has no 'city'", *done["warnings"]
    )
    assert (len(lake.rows()), [row["text"] for row in lake.quarantine()]) == (1, ["x,a"])


@pytest.mark.parametrize("fill", ["rebuild", "append"])
def test_rows_left_out_of_the_csv_stay_in_quarantine(lake: ReplayLake, fill: str) -> None:
    lake.configure(target__fill=fill)
    lake.put(f"{DAY}/a.csv", 'id,name\n1,a\nx,b\n3,c\n"y","d, e"\n')
    first = lake.run()
    done = lake.run("replay", *lake.edit(lambda row: {"id": "2"} if row["fields"]["id"] == "x" else None))
    if fill == "append":
        assert (first["counts"]["rejected"], done["counts"]["read"], done["counts"]["written"]) == (2, 1, 1)
    for _ in range(2):
        assert lake.rows() == [("01", 1, "a"), ("01", 2, "b"), ("01", 3, "c")]
        assert [row["text"] for row in lake.quarantine()] == ['"y","d, e"']
        lake.run("rebuild")


def test_a_torn_row_is_edited_as_text(lake: ReplayLake) -> None:
    lake.put(f"{DAY}/a.csv", 'id,name\n1\n2,"b"c\n')
    lake.run()
    texts = {"1": "1,a", '2,"b"c': '2,"b c'}
    done = lake.run("replay", *lake.edit(lambda row: {"text": texts[row["text"]]}))
    assert done["replayed"] == {"corrected": 1, "still_rejected": 1}
    assert lake.rows() == [("01", 1, "a")]
    assert [row["text"] for row in lake.quarantine()] == ['2,"b"c']


def test_rows_pass_once_the_config_accepts_them(lake: ReplayLake) -> None:
    lake.put(f"{DAY}/a.csv", "id,name\nNA,a\nx,b\n3,c\n")
    lake.run()
    lake.configure(source__csv={"null_text": ["NA"]})
    done = lake.run("replay")
    assert done["replayed"] == {"corrected": 1, "still_rejected": 1}
    assert done["still_rejected"] == {"id: type": 1}
    assert lake.rows() == [("01", 3, "c"), ("01", None, "a")]
    unknown = lake.run("replay", "--rule", "nope")
    assert (unknown["replayed"], "breaks the rule 'nope'; broken: id: type" in unknown["warnings"][0]) == ({}, True)
    answer = lake.command("quarantine", "--rule", "nope", "--csv", str(lake.root / "none.csv"))
    assert (answer.exit_code, (lake.root / "none.csv").exists()) == (2, False)


def test_the_rows_of_a_refused_batch_are_replayed_with_it(lake: ReplayLake) -> None:
    lake.configure(max_rejected=0.0)
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\n")
    assert lake.run()["exit_code"] == 3
    done = lake.run("replay", *lake.edit(with_id("2")))
    assert (done["exit_code"], done["counts"]["superseded"]) == (0, 1)
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]
    assert lake.quarantine() == []


@pytest.mark.parametrize("fill", ["rebuild", "append"])
def test_corrections_of_an_object_that_was_uploaded_again_are_void(tmp_path: Path, fill: str) -> None:
    lake = ReplayLake(tmp_path, feed())
    lake.configure(target__fill=fill)
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\n")
    lake.run()
    edited = lake.edit(with_id("2"))
    lake.run("replay", *edited)
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\n22,b\n")
    done = lake.run("rebuild" if fill == "append" else "run")
    assert lake.rows() == [("01", 1, "a"), ("01", 22, "b")]
    (warning,) = done["warnings"]
    assert warning.startswith("the correction of 1 row no longer counts, because the original was rewritten or is gone")
    (lake.lake / warning.partition("; to end this warning, delete ")[2]).unlink()
    done = lake.run("rebuild")
    assert (done["exit_code"], done["warnings"], len(lake.rows())) == (0, [], 2)
    assert lake.run("replay", *edited)["exit_code"] == 2


def test_a_source_outside_the_lake_has_its_corrections_in_the_lake(tmp_path: Path) -> None:
    lake = ReplayLake(tmp_path, feed(path=f"file://{tmp_path}/elsewhere/"))
    lake.put("../elsewhere/2026/day=01/a.csv", "id,name\n1,a\nx,b\n")
    lake.run()
    done = lake.run("replay", *lake.edit(with_id("2")))
    assert done["corrections"][0].startswith("corrections/people/people/")
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]
    lake.run("rebuild")
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]


def test_appended_rows_whose_object_was_deleted_can_be_corrected(tmp_path: Path) -> None:
    lake = ReplayLake(tmp_path, feed())
    lake.configure(target__fill="append", target__partition_date="processing")
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\n")
    lake.put(f"{DAY}/b.csv", "id,name\n5,e\n")
    lake.run()
    (day,) = {row[0] for row in lake.rows()}
    (lake.lake / DAY / "a.csv").unlink()
    assert lake.run("replay", *lake.edit(with_id("2")))["exit_code"] == 0
    assert lake.rows() == [(day, 1, "a"), (day, 2, "b"), (day, 5, "e")]
    assert [lake.run(verb)["status"] for verb in ("run", "replay", "run")] == ["nothing_new"] * 3
    assert lake.rows() == [(day, 1, "a"), (day, 2, "b"), (day, 5, "e")]


def test_corrected_rows_are_appended_once_even_if_their_object_is_deleted(lake: ReplayLake) -> None:
    """Also those of a correction of a correction."""
    lake.configure(target__fill="append", target__on_missing_source="rebuild")
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\ny,c\n")
    lake.put(f"{DAY}/b.csv", "id,name\n5,e\n")
    lake.run()
    lake.run("replay", *lake.edit(lambda row: {"id": "999999999999" if row["fields"]["id"] == "x" else "3"}))
    lake.configure(source__columns={"id": "int", "name": "string"})
    lake.run("rebuild")
    lake.run("replay", *lake.edit(with_id("2")))
    rows = [("01", 1, "a"), ("01", 2, "b"), ("01", 3, "c"), ("01", 5, "e")]
    assert lake.rows() == rows
    (lake.lake / DAY / "a.csv").unlink()
    assert [lake.run(verb)["status"] for verb in ("run", "replay", "run")] == ["nothing_new"] * 3
    assert (lake.rows(), lake.run("status")["waiting_objects"]) == (rows, 0)
    assert lake.run("rebuild")["exit_code"] == 0
    assert lake.rows() == [("01", 5, "e")]


def test_corrections_of_an_object_that_returns_count_again(lake: ReplayLake) -> None:
    lake.configure(target__on_missing_source="rebuild")
    lake.put(f"{DAY}/a.csv", "id,name\nx,a\n")
    lake.run()
    lake.run("replay", *lake.edit(with_id("1")))
    original, elsewhere = lake.lake / DAY / "a.csv", lake.root / "a.csv"
    original.rename(elsewhere)
    lake.put(f"{DAY}/b.csv", "id,name\n2,b\n")
    lake.run()
    assert (lake.rows(), lake.quarantine()) == ([("01", 2, "b")], [])
    elsewhere.rename(original)
    lake.run()
    assert (lake.rows(), lake.quarantine()) == ([("01", 1, "a"), ("01", 2, "b")], [])


def test_a_corrected_row_that_no_longer_passes_can_be_corrected_again(lake: ReplayLake) -> None:
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\n")
    lake.run()
    lake.run("replay", *lake.edit(with_id("999999999999")))
    lake.configure(source__columns={"id": "int", "name": "string"})
    lake.run("rebuild")
    (rejected,) = lake.quarantine()
    assert rejected["object"].startswith("corrections/")
    assert lake.run("replay", *lake.edit(with_id("2")))["replayed"] == {"corrected": 1}
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]
    assert lake.run("rebuild")["counts"]["superseded"] == 2
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]


def test_an_object_whose_corrected_records_begin_elsewhere_is_refused(lake: ReplayLake) -> None:
    lake.put(f"{DAY}/a.csv", 'id,name\n1,"a\nx,b"\nx,b\n')
    lake.configure(source__csv={"multiline": False})
    lake.run()
    by_text = {'1,"a': "1,a", 'x,b"': "2,b", "x,b": "3,b"}
    lake.run("replay", *lake.edit(lambda row: {"id": "3"} if row["fields"] else {"text": by_text[row["text"]]}))
    assert [row[1] for row in lake.rows()] == [1, 3] or [row[1] for row in lake.rows()] == [1, 2, 3]
    lake.configure(source__csv={"multiline": True})
    done = lake.run("rebuild")
    assert done["exit_code"] == 3
    assert "no longer begin where they did" in done["error"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda lines: [*lines, lines[1]], "line 4 of {}: it repeats the row of line 2", id="a-row-twice"),
        pytest.param(
            lambda lines: [lines[0], lines[1].replace("a.csv", "b.csv")],
            "line 2 of {}: quarantine has no row of its object, etag and position",
            id="an-unknown-object",
        ),
        pytest.param(
            lambda lines: [lines[0], lines[1].replace(",8,", ",9,")],
            "line 2 of {}: quarantine has no row",
            id="no-such-row",
        ),
        pytest.param(
            lambda lines: [f"{line},{more}" for line, more in zip(lines, ("city", "", ""), strict=True)],
            "{}: the header of column 8 is not a column of the rejected rows; remove it",
            id="an-added-column",
        ),
        pytest.param(
            lambda lines: [f"{line},{more}" for line, more in zip(lines, ("id", "1", "2"), strict=True)],
            "column 8 of {} has the header of another column; remove one of them",
            id="a-column-twice",
        ),
        pytest.param(
            lambda lines: [lines[0], lines[1].replace(",8,", f",{'8' * 5000},")],
            "line 2 of {}: position must be the number that `quarantine --csv` wrote",
            id="an-endless-position",
        ),
        pytest.param(
            lambda lines: [lines[0], "secret" + lines[1]],
            "line 2 of {}: quarantine has no row of its object, etag and position",
            id="a-value-instead-of-the-object",
        ),
        pytest.param(
            lambda lines: [line.rpartition(",")[0] for line in lines],
            "line 2 of {}: the row has a field 'name', and the file has no such column",
            id="a-missing-column",
        ),
        pytest.param(
            lambda lines: [lines[0], lines[1].replace(",,", ",text,")],
            "line 2 of {}: the row has fields, so its text must be empty",
            id="a-text-for-a-row-with-fields",
        ),
        pytest.param(lambda lines: [*lines, "x,y"], "line 4 of {} has 2 cells", id="a-torn-line"),
    ],
)
def test_a_wrong_csv_is_refused_as_a_whole(lake: ReplayLake, change: Any, message: str) -> None:
    lake.put(f"{DAY}/a.csv", "id,name\nx,a\ny,b\n")
    lake.run()
    path = Path(lake.edit(with_id("1"))[1])
    path.write_text("\n".join(change(path.read_text().splitlines())))
    done = lake.run("replay", "--csv", str(path))
    assert (done["exit_code"], done["status"]) == (2, "failed")
    assert message.format(path) in done["error"]
    assert "secret" not in done["error"]
    assert not (lake.lake / "corrections").exists()


@pytest.mark.parametrize(
    ("csv", "changes", "encoding", "message"),
    [
        pytest.param({}, {"id": "1", "name": "é"}, "latin-1", "edited.csv is not UTF-8", id="wrong-encoding"),
        pytest.param(
            {"encoding": "ISO-8859-1"},
            {"id": "1", "name": "€"},
            "utf-8",
            "line 2 of {}: a value has a character that ISO-8859-1 does not have",
            id="a-character-that-the-source-cannot-have",
        ),
        pytest.param(
            {"multiline": False},
            {"id": "1", "name": "a\nb"},
            "utf-8",
            "line 3 of {}: a value has a line end, which needs source.csv.multiline: true",
            id="a-line-end-that-the-source-cannot-have",
        ),
    ],
)
def test_values_that_cannot_be_written_are_refused(
    tmp_path: Path, csv: dict[str, Any], changes: dict[str, str], encoding: str, message: str
) -> None:
    lake = ReplayLake(tmp_path, feed(csv=csv))
    lake.put(f"{DAY}/a.csv", "id,name\nx,a\n")
    lake.run()
    path = Path(lake.edit(lambda _: changes)[1])
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    done = lake.run("replay", "--csv", str(path))
    assert done["exit_code"] == 2
    assert message.format(path) in done["error"]
    assert not (lake.lake / "corrections").exists()


def test_rejections_that_match_no_corrected_row_end_the_replay(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put(f"{DAY}/a.csv", "id,name\nx,a\n")
    lake.run()
    judge = CsvCorrector._judge
    monkeypatch.setattr(CsvCorrector, "_judge", lambda *task: (*judge(*task)[:1], Counter({"id: type": 1}), {7}))
    done = lake.run("replay", *lake.edit(with_id("1")))
    assert (done["exit_code"], "positions where none of them begins" in done["error"]) == (3, True), done["error"]
    assert not (lake.lake / "corrections").exists()
    assert not list(lake.lake.glob("refined/_staging/**/candidates.csv"))


@pytest.mark.parametrize("fill", ["rebuild", "append"])
def test_a_file_can_be_replayed_again(lake: ReplayLake, fill: str) -> None:
    lake.configure(target__fill=fill)
    lake.put(f"{DAY}/a.csv", "id,name\nx,a\ny,b\n")
    lake.run()
    edited = lake.edit(lambda row: {"id": "1"} if row["fields"]["id"] == "x" else {})
    replayed = [lake.run("replay", *edited) for _ in range(2)]
    assert [done["replayed"] for done in replayed] == [
        {"corrected": 1, "still_rejected": 1},
        {"corrected_before": 1, "still_rejected": 1},
    ]
    assert (replayed[1]["exit_code"], replayed[1]["status"]) == (0, "nothing_new")
    assert lake.rows() == [("01", 1, "a")]


def test_a_row_of_a_refused_rebuild_is_in_quarantine_once(lake: ReplayLake) -> None:
    """The refused batch adds only what it has newly rejected; the next one releases that."""
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\n")
    lake.run()
    lake.configure(max_rejected=0.0)
    lake.put(f"{DAY}/b.csv", "id,name\ny,c\n")
    for _ in range(2):
        assert lake.run("rebuild")["exit_code"] == 3
        assert [row["text"] for row in lake.quarantine()] == ["x,b", "y,c"]
        status = lake.run("status")
        assert (status["quarantined_rows"], status["quarantined"][0]["rows"]) == (2, 2)
    (lake.lake / DAY / "b.csv").unlink()
    assert lake.run("replay", *lake.edit(with_id("2")))["exit_code"] == 0
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]
    assert lake.quarantine() == []


def test_waiting_corrections_are_shown(lake: ReplayLake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put(f"{DAY}/a.csv", "id,name\nx,a\n")
    lake.run()
    monkeypatch.setattr("lakewright.runs.lifecycle.run.Log.write_plan", _killed)
    assert lake.run("replay", *lake.edit(with_id("1")))["exit_code"] == 1
    monkeypatch.undo()
    assert lake.run("status")["waiting_corrections"] == 1
    assert len(lake.run("plan")["corrections"]) == 1
    assert "waiting corrections  1" in lake.command("status").stdout
    assert lake.run("replay")["replayed"] == {"corrected_before": 1}
    assert lake.rows() == [("01", 1, "a")]


def _killed(*_: object) -> None:
    raise RuntimeError


@pytest.mark.parametrize("fill", ["rebuild", "append"])
def test_a_correction_that_the_gate_refuses_is_withdrawn(lake: ReplayLake, fill: str) -> None:
    """Later runs are not refused, and the rows can be corrected again."""
    add_gate(lake, "unique", "refuse_batch")
    lake.configure(target__fill=fill)
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\ny,c\n")
    assert lake.run()["exit_code"] == 0
    edited = lake.edit(with_id("7"))
    refused = lake.run("replay", *edited)
    assert refused["exit_code"] == 3
    assert f"withdrew the correction {refused['corrections'][0]}" in refused["warnings"][-1]
    lake.put(f"{DAY}/b.csv", "id,name\n5,e\n")
    assert (lake.run()["exit_code"], len(lake.quarantine())) == (0, 2)
    assert lake.run("replay", *edited)["exit_code"] == 3
    again = lake.edit(lambda row: {"id": "8" if row["fields"]["id"] == "x" else "9"})
    done = lake.run("replay", *again)
    assert (done["exit_code"], done["replayed"]) == (0, {"corrected": 2}), done["error"]
    for _ in range(2):
        assert lake.rows() == [("01", 1, "a"), ("01", 5, "e"), ("01", 8, "b"), ("01", 9, "c")]
        lake.run("rebuild")


def test_a_withdrawal_that_fails_is_completed_by_the_next_run(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the corrections alone would pass the gate."""
    add_gate(lake, "unique", "refuse_batch")
    lake.configure(target__fill="append")
    for name in ("a", "b"):
        lake.put(f"{DAY}/{name}.csv", "id,name\nx,a\n")
    lake.run()
    with monkeypatch.context() as patch:
        patch.setattr("lakewright.runs.lifecycle.withdrawal.withdraw", _withdrawn_in_part)
        assert lake.run("replay", *lake.edit(with_id("7")))["exit_code"] == 1
    done = lake.run()
    assert (done["status"], lake.rows(), len(lake.quarantine())) == ("nothing_new", [], 2)
    assert len([each for each in done["warnings"] if "withdrew the correction" in each]) == 1


def test_a_correction_that_is_written_again_after_its_refusal_is_read(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate has changed since; of a large table, no run in between has written the head of the log."""
    monkeypatch.setattr("lakewright.log.log._SMALL_STATE", -1)
    add_gate(lake, "unique", "refuse_batch")
    lake.configure(target__fill="append")
    for name in ("a", "b"):
        lake.put(f"{DAY}/{name}.csv", "id,name\nx,a\n")
    lake.run()
    edited = lake.edit(with_id("7"))
    assert lake.run("replay", *edited)["exit_code"] == 3
    del lake.feed["gates"]
    lake.configure()
    with monkeypatch.context() as patch:
        patch.setattr("lakewright.runs.lifecycle.run.Log.write_plan", _killed)
        assert lake.run("replay", *edited)["replayed"] == {"corrected": 2}
    done = lake.run()
    assert (done["exit_code"], done["warnings"], lake.quarantine()) == (0, [], []), done["error"]
    assert lake.rows() == [("01", 7, "a"), ("01", 7, "a")]


def test_a_run_that_loses_its_lease_leaves_the_withdrawal_to_the_next_one(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_gate(lake, "unique", "refuse_batch")
    lake.configure(target__fill="append")
    lake.put(f"{DAY}/a.csv", "id,name\nx,a\ny,b\n")
    lake.run()
    edited, refused = lake.edit(with_id("7")), lake.lake / "state/people/people/log/000000002.outcome.json"

    def check(_: Lease, *, reads: bool = True) -> None:
        if refused.exists():
            raise OvertakenError("another run took over")

    with monkeypatch.context() as patch:
        patch.setattr(Lease, "check", check)
        assert lake.run("replay", *edited)["exit_code"] == 4
    done = lake.run()
    assert (done["status"], "withdrew the correction" in done["warnings"][-1]) == ("nothing_new", True), done
    assert (lake.rows(), len(lake.quarantine())) == ([], 2)


def _withdrawn_in_part(lake: Lake, paths: list[str]) -> None:
    lake.delete(paths[0])
    raise RuntimeError


def test_a_correction_that_is_refused_with_its_original_can_be_edited_again(lake: ReplayLake) -> None:
    lake.configure(max_rejected=0.2)
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\ny,c\n")
    lake.run()
    refused = lake.run("replay", *lake.edit(lambda row: {"id": "77"} if row["fields"]["id"] == "x" else None))
    (path,) = refused["corrections"]
    assert refused["warnings"] == [
        f"the next run reads the correction {path} again; to edit its rows again, delete it and run again"
    ]
    assert [row["text"] for row in lake.quarantine()] == ["y,c"]
    (lake.lake / path).unlink()
    lake.run()
    assert lake.run("replay", *lake.edit(with_id("7")))["exit_code"] == 0
    assert lake.rows() == [("01", 1, "a"), ("01", 7, "b"), ("01", 7, "c")]


@pytest.mark.parametrize("fill", ["rebuild", "append"])
@pytest.mark.parametrize("killed_at", ["Log.write_plan", "withdraw"])
def test_rows_of_a_waiting_correction_are_corrected_again(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch, fill: str, killed_at: str
) -> None:
    """Rows of the first correction that the second edit leaves out stay in quarantine."""
    lake.configure(target__fill=fill)
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\ny,c\n")
    lake.run()
    with monkeypatch.context() as patch:
        patch.setattr("lakewright.runs.lifecycle.run.Log.write_plan", _killed)
        assert lake.run("replay", *lake.edit(with_id("7")))["exit_code"] == 1
    again = lake.edit(lambda row: {"id": "8"} if row["fields"]["id"] == "x" else None)
    with monkeypatch.context() as patch:
        patch.setattr(
            f"lakewright.{'runs.lifecycle.run' if '.' in killed_at else 'replay.choice'}.{killed_at}", _killed
        )
        assert lake.run("replay", *again)["exit_code"] == 1
    done = lake.run("replay", *again)
    assert (done["exit_code"], done["replayed"]) == (0, {"corrected": 1}), done["error"]
    for _ in range(2):
        assert (lake.rows(), len(lake.quarantine())) == ([("01", 1, "a"), ("01", 8, "b")], 1)
        lake.run("rebuild")


def test_an_appended_correction_that_is_rejected_is_withdrawn(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.configure(target__fill="append", max_rejected=0.5)
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\n")
    lake.run()
    with monkeypatch.context() as patch:
        patch.setattr("lakewright.runs.lifecycle.run.Log.write_plan", _killed)
        lake.run("replay", *lake.edit(with_id("999")))
    add_gate(lake, "between", "reject_rows", max_value=100)
    refused = lake.run()
    assert (refused["exit_code"], "withdrew the correction" in refused["warnings"][-1]) == (3, True), refused["error"]
    assert lake.run()["status"] == "nothing_new"
    assert lake.run("replay", *lake.edit(with_id("2")))["exit_code"] == 0
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b")]


def test_corrections_read_with_their_refused_original_wait(lake: ReplayLake) -> None:
    """They cannot be why too many rows are rejected, so the rows of a refused object can be corrected one by one."""
    lake.configure(max_rejected=0.0)
    lake.put(f"{DAY}/a.csv", "id,name\n1,a\nx,b\ny,c\n")
    assert lake.run()["exit_code"] == 3
    first = lake.edit(lambda row: {"id": "2"} if row["fields"]["id"] == "x" else None)
    assert lake.run("replay", *first)["exit_code"] == 3
    assert lake.run("replay", *lake.edit(with_id("3")))["exit_code"] == 0
    assert lake.rows() == [("01", 1, "a"), ("01", 2, "b"), ("01", 3, "c")]


def add_gate(lake: ReplayLake, expectation: str, on_failure: str, **kwargs: Any) -> None:
    kwargs["column"] = "id"
    meta = {"on_failure": on_failure}
    judged = {"type": f"expect_column_values_to_be_{expectation}", "kwargs": kwargs, "meta": meta}
    suite = lake.root / "conf/quality/people.json"
    suite.parent.mkdir()
    suite.write_text(json.dumps({"name": "people", "expectations": [judged]}))
    lake.configure(gates={"suite": "people"})
