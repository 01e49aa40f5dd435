"""Schema evolution of change tables: accepted and refused changes."""

from collections.abc import Mapping
from typing import Any

import pytest

from transforms.changes import schema_drift
from transforms.errors import SchemaDriftError

TABLE = {"id": "int", "name": "string", "dep": "string"}


def merge_columns(table: Mapping[str, str], files: Any, **options: Any) -> tuple[dict[str, str], list[str]]:
    """Merge columns, and describe the changes."""
    columns, changes = schema_drift.merge_columns(table, files, **options)
    return columns, list(map(str, changes))


@pytest.mark.parametrize(
    ("files", "columns", "changes"),
    [
        pytest.param([TABLE], TABLE, [], id="unchanged"),
        pytest.param([{"ID": "int", "Name": "string", "dep": "string"}], TABLE, [], id="case-is-ignored"),
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
        pytest.param([{"id": "int"}], TABLE, [], id="a-file-of-deletes-with-the-key-only"),
        pytest.param(
            [TABLE | {"n": "bigint"}, TABLE | {"n": "int"}, TABLE],
            TABLE | {"n": "bigint"},
            ["added n bigint"],
            id="files-with-different-columns",
        ),
    ],
)
def test_accepted(files: list[dict[str, str]], columns: dict[str, str], changes: list[str]) -> None:
    named = [(f"f{n}", in_file) for n, in_file in enumerate(files)]
    assert merge_columns(TABLE, named, key=["id"], partition_by=["dep"]) == (columns, changes)


@pytest.mark.parametrize(
    ("before", "in_file", "after"),
    [
        pytest.param("decimal(10,2)", "decimal(12,2)", "decimal(12,2)", id="more-digits"),
        pytest.param("decimal(10,2)", "decimal(20,4)", "decimal(20,4)", id="more-fractional-digits"),
        pytest.param("decimal(12,2)", "decimal(10,2)", "decimal(12,2)", id="a-narrower-file-is-widened-on-reading"),
        pytest.param("decimal(10,2)", "decimal(10,4)", "decimal(12,4)", id="neither-fits-the-other"),
        pytest.param("bigint", "decimal(20,0)", "decimal(20,0)", id="unsigned"),
        pytest.param("float", "double", "double", id="float"),
        pytest.param("int", "double", "double", id="int-to-double"),
        pytest.param("double", "int", "double", id="int-in-a-double-column"),
        pytest.param("string", "void", "string", id="a-column-of-nulls-only"),
    ],
)
def test_widened(before: str, in_file: str, after: str) -> None:
    table, files = {"id": "int", "x": before}, [("f", {"id": "int", "x": in_file})]
    changes = [f"widened x from {before} to {after}"] if after != before else []
    assert merge_columns(table, files, key=["id"], partition_by=[]) == ({"id": "int", "x": after}, changes)


def test_a_column_without_values_is_added_once_it_has_a_type() -> None:
    files = [("f", {"id": "int", "x": "void"})]
    assert merge_columns({}, files, key=["id"], partition_by=[]) == ({"id": "int"}, [])
    files.append(("g", {"id": "int", "x": "date"}))
    table = {"id": "int"}
    assert merge_columns(table, files, key=["id"], partition_by=[]) == (
        table | {"x": "date"},
        ["added x date"],
    )


def test_a_new_table_gets_the_widest_types_of_its_files() -> None:
    kinds = ["decimal(10,2)", "int", "decimal(6,5)", "bigint"]
    files = [(kind, {"id": "int", "x": kind}) for kind in kinds]
    assert merge_columns({}, files, key=["id"], partition_by=[])[0] == {"id": "int", "x": "decimal(24,5)"}


def test_cast() -> None:
    files = [("f", {"id": "int", "X": "double"}), ("g", {"id": "int", "x": "string"})]
    cast = {"x": "decimal(20,4)"}
    assert merge_columns({}, files, key=["id"], partition_by=[], cast=cast)[0] == {
        "id": "int",
        "X": "decimal(20,4)",
    }
    table = {"id": "int", "x": "decimal(10,2)"}
    changes = ["widened x from decimal(10,2) to decimal(20,4)"]
    assert merge_columns(table, files, key=["id"], partition_by=[], cast=cast)[1] == changes
    with pytest.raises(
        SchemaDriftError, match=r"column 'x' is double in the table, which `cast` cannot convert to decimal"
    ):
        merge_columns({"id": "int", "x": "double"}, files, key=["id"], partition_by=[], cast=cast)
    with pytest.raises(SchemaDriftError, match=r"f: column 'x' is binary, which cannot be cast to decimal"):
        merge_columns({}, [("f", {"id": "int", "x": "binary"})], key=["id"], partition_by=[], cast=cast)


@pytest.mark.parametrize(
    ("in_file", "message"),
    [
        pytest.param(TABLE | {"name": "int"}, "f: column 'name' is int, but string in the table", id="other-type"),
        pytest.param(TABLE | {"dep": "date"}, "f: column 'dep' is date, but string in the table", id="partition-type"),
        pytest.param(
            {"emp_id": "int", "name": "string", "dep": "string"},
            "f: key column 'id' (int in the table) is missing; the file has emp_id int, name string, dep string",
            id="renamed-key",
        ),
        pytest.param(
            {"id": "int", "name": "string"},
            "f: partition column 'dep' (string in the table) is missing",
            id="no-partition",
        ),
        pytest.param(
            TABLE | {"id": "double"},
            "column 'id' of the key or partition grows from int to double, which would change the text",
            id="text-of-key-values-changes",
        ),
        pytest.param(
            TABLE | {"name": "array<int>"},
            "f: column 'name' is array<int>, but string in the table; no type fits both without loss; nothing was "
            "written; drop the column",
            id="nested",
        ),
        pytest.param(TABLE | {"first name": "string"}, "f: column 'first name' cannot be a column", id="no-name"),
        pytest.param(TABLE | {"_hoodie_x": "string"}, "f: column '_hoodie_x' cannot be a column", id="reserved-name"),
    ],
)
def test_refused(in_file: dict[str, str], message: str) -> None:
    with pytest.raises(SchemaDriftError) as caught:
        merge_columns(TABLE, [("f", in_file)], key=["id"], partition_by=["dep"])
    assert str(caught.value).startswith(message)
    (change,) = caught.value.changes
    assert (change.kind, f"{change.column!r}" in message) == ("refused", True)


def test_the_first_batch_reports_no_changes() -> None:
    assert merge_columns({}, [("f", TABLE)], key=["ID"], partition_by=[]) == (
        {"ID": "int", "name": "string", "dep": "string"},
        [],
    )
