"""What a table of changes takes of its source's columns, and what it refuses."""

import pytest

from transforms.changes.schema_drift import merge_columns
from transforms.errors import SchemaDriftError

TABLE = {"id": "int", "name": "string", "dep": "string"}


@pytest.mark.parametrize(
    ("files", "columns", "told"),
    [
        pytest.param([TABLE], TABLE, [], id="the-same"),
        pytest.param([{"ID": "int", "Name": "string", "dep": "string"}], TABLE, [], id="case-is-nothing"),
        pytest.param([TABLE | {"pay": "double"}], TABLE | {"pay": "double"}, ["added pay double"], id="added"),
        pytest.param(
            [TABLE | {"id": "bigint"}], TABLE | {"id": "bigint"}, ["widened id from int to bigint"], id="wider"
        ),
        pytest.param(
            [{"id": "int", "dep": "string"}], TABLE, ["name is absent from a file; the column stays"], id="dropped"
        ),
        pytest.param(
            [{"name": "string", "id": "int", "dep": "string"}], TABLE, ["reordered: name, id, dep"], id="reordered"
        ),
        pytest.param([{"id": "int"}], TABLE, [], id="a-file-of-deletes-with-the-key-alone"),
        pytest.param(
            [TABLE | {"n": "bigint"}, TABLE | {"n": "int"}, TABLE],
            TABLE | {"n": "bigint"},
            ["added n bigint"],
            id="files-that-differ",
        ),
    ],
)
def test_taken(files: list[dict[str, str]], columns: dict[str, str], told: list[str]) -> None:
    named = [(f"f{n}", found) for n, found in enumerate(files)]
    assert merge_columns(TABLE, named, key=["id"], partition_by=["dep"]) == (columns, told)


@pytest.mark.parametrize(
    ("before", "found", "after"),
    [
        pytest.param("decimal(10,2)", "decimal(12,2)", "decimal(12,2)", id="more-digits"),
        pytest.param("decimal(10,2)", "decimal(20,4)", "decimal(20,4)", id="a-longer-fraction-too"),
        pytest.param("decimal(12,2)", "decimal(10,2)", "decimal(12,2)", id="a-narrower-file-is-widened-on-reading"),
        pytest.param("decimal(10,2)", "decimal(10,4)", "decimal(12,4)", id="neither-holds-the-other"),
        pytest.param("bigint", "decimal(20,0)", "decimal(20,0)", id="unsigned"),
        pytest.param("float", "double", "double", id="float"),
        pytest.param("int", "double", "double", id="int-to-double"),
        pytest.param("double", "int", "double", id="a-whole-number-for-a-double"),
        pytest.param("string", "void", "string", id="a-column-of-nulls-alone"),
    ],
)
def test_widened(before: str, found: str, after: str) -> None:
    table, files = {"id": "int", "x": before}, [("f", {"id": "int", "x": found})]
    told = [f"widened x from {before} to {after}"] if after != before else []
    assert merge_columns(table, files, key=["id"], partition_by=[]) == ({"id": "int", "x": after}, told)


def test_a_column_without_a_type_waits_for_one() -> None:
    files = [("f", {"id": "int", "x": "void"})]
    assert merge_columns({}, files, key=["id"], partition_by=[]) == ({"id": "int"}, [])
    files.append(("g", {"id": "int", "x": "date"}))
    table = {"id": "int"}
    assert merge_columns(table, files, key=["id"], partition_by=[]) == (table | {"x": "date"}, ["added x date"])


def test_a_new_table_gets_the_widest_types_of_its_files() -> None:
    kinds = ["decimal(10,2)", "int", "decimal(6,5)", "bigint"]
    files = [(kind, {"id": "int", "x": kind}) for kind in kinds]
    assert merge_columns({}, files, key=["id"], partition_by=[])[0] == {"id": "int", "x": "decimal(24,5)"}


def test_cast() -> None:
    files = [("f", {"id": "int", "X": "double"}), ("g", {"id": "int", "x": "string"})]
    cast = {"x": "decimal(20,4)"}
    assert merge_columns({}, files, key=["id"], partition_by=[], cast=cast)[0] == {"id": "int", "X": "decimal(20,4)"}
    table = {"id": "int", "x": "decimal(10,2)"}
    told = ["widened x from decimal(10,2) to decimal(20,4)"]
    assert merge_columns(table, files, key=["id"], partition_by=[], cast=cast)[1] == told
    with pytest.raises(SchemaDriftError, match=r"column 'x' is double in the table, which `cast` cannot make decimal"):
        merge_columns({"id": "int", "x": "double"}, files, key=["id"], partition_by=[], cast=cast)
    with pytest.raises(SchemaDriftError, match=r"f: column 'x' is binary, which cannot be cast to decimal"):
        merge_columns({}, [("f", {"id": "int", "x": "binary"})], key=["id"], partition_by=[], cast=cast)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        pytest.param(TABLE | {"name": "int"}, "f: column 'name' is int, and string in the table", id="other-type"),
        pytest.param(TABLE | {"dep": "date"}, "f: column 'dep' is date, and string in the table", id="partition-type"),
        pytest.param(
            {"emp_id": "int", "name": "string", "dep": "string"},
            "f: key column 'id' (int in the table) is not there; the file has emp_id int, name string, dep string",
            id="renamed-key",
        ),
        pytest.param(
            {"id": "int", "name": "string"},
            "f: partition column 'dep' (string in the table) is not there",
            id="no-partition",
        ),
        pytest.param(
            TABLE | {"id": "double"},
            "column 'id' of the key or partition grows from int to double, by which its values would be written as",
            id="a-key-with-other-texts",
        ),
        pytest.param(
            TABLE | {"name": "array<int>"},
            "f: column 'name' is array<int>, and string in the table; no type holds both without loss; nothing was "
            "written; leave the column out",
            id="nested",
        ),
        pytest.param(TABLE | {"first name": "string"}, "f: column 'first name' cannot be a column", id="no-name"),
        pytest.param(TABLE | {"_hoodie_x": "string"}, "f: column '_hoodie_x' cannot be a column", id="taken-name"),
    ],
)
def test_refused(found: dict[str, str], message: str) -> None:
    with pytest.raises(SchemaDriftError) as caught:
        merge_columns(TABLE, [("f", found)], key=["id"], partition_by=["dep"])
    assert str(caught.value).startswith(message)


def test_the_first_batch_has_nothing_to_tell() -> None:
    assert merge_columns({}, [("f", TABLE)], key=["ID"], partition_by=[]) == (
        {"ID": "int", "name": "string", "dep": "string"},
        [],
    )
