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
    assert merge_columns(TABLE, named, key=["id"], partition_by=["dep"], widens=True) == (columns, told)


def test_whole_numbers_stay_narrow_in_a_table_of_plain_files() -> None:
    with pytest.raises(SchemaDriftError, match="f: column 'id' is bigint, and int in the table"):
        merge_columns(TABLE, [("f", TABLE | {"id": "bigint"})], key=[], partition_by=[], widens=False)
    wide = TABLE | {"id": "bigint"}
    assert merge_columns(wide, [("f", TABLE)], key=[], partition_by=[], widens=False) == (wide, [])


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
        pytest.param(TABLE | {"first name": "string"}, "f: column 'first name' cannot be a column", id="no-name"),
        pytest.param(TABLE | {"_hoodie_x": "string"}, "f: column '_hoodie_x' cannot be a column", id="taken-name"),
    ],
)
def test_refused(found: dict[str, str], message: str) -> None:
    with pytest.raises(SchemaDriftError) as caught:
        merge_columns(TABLE, [("f", found)], key=["id"], partition_by=["dep"], widens=True)
    assert str(caught.value).startswith(message)


def test_the_first_batch_has_nothing_to_tell() -> None:
    assert merge_columns({}, [("f", TABLE)], key=["ID"], partition_by=[], widens=True) == (
        {"ID": "int", "name": "string", "dep": "string"},
        [],
    )
