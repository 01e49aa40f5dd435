"""How the columns of a table follow from those of its files, and what the feed says of them."""

from typing import Any

import pytest

from lakewright.dms.columns import TableColumns
from lakewright.dms.config import ReplicationSource, TableSpec
from lakewright.dms.files import Footer
from lakewright.errors import ConfigError
from transforms.errors import DataError, SchemaDriftError

LOAD, CHANGES = "LOAD1.parquet", "20260801-101512345.parquet"


def columns(spec: dict[str, Any], reserved: tuple[str, ...] = (), **source: Any) -> TableColumns:
    replication = ReplicationSource.model_validate({"path": "raw/hr/"} | source)
    return TableColumns("t", replication, replication.ordered(TableSpec.model_validate(spec)), (), reserved)


def footer(*names: str) -> Footer:
    return Footer(1, dict.fromkeys(names, "string"))


def test_the_table_names_its_columns_and_remembers_what_the_source_calls_them() -> None:
    table = columns({"key": "ID", "rename": {"Straße": "street"}})
    first = table.merged({LOAD: footer("id", "Straße", "a b", "plain")}, {}, {})
    assert list(first.columns) == ["ID", "street", "a_b", "plain"]
    assert first.renamed_sources == {"street": "Straße", "a_b": "a b"}
    told = ["column 'Straße' of the source is street", "column 'a b' of the source is a_b"]
    assert first.changes == told
    later = table.merged({CHANGES: footer("Op", "id", "A B", "c.d")}, first.columns, first.renamed_sources)
    assert list(later.columns) == ["ID", "street", "a_b", "plain", "c_d"]
    assert later.renamed_sources == {"street": "Straße", "a_b": "a b", "c_d": "c.d"}
    assert "added c_d string" in later.changes
    assert "column 'c.d' of the source is c_d" in later.changes
    assert table.merged({}, later.columns, later.renamed_sources).renamed_sources == later.renamed_sources


@pytest.mark.parametrize(
    ("spec", "names", "table", "error", "message"),
    [
        pytest.param(
            {"rename": {"x": "op"}},
            ["id", "x"],
            {},
            ConfigError,
            "t has a column 'op', and is appended with the kind of each change as 'Op', which differs in case at most; "
            "give the table its key, or rename 'x' in tables.t.rename",
            id="the-name-of-a-column-of-the-job",
        ),
        pytest.param({}, ["id", "Öp"], {}, ConfigError, "t has a column 'Op', and is appended", id="or-mapped-to-it"),
        pytest.param(
            {},
            ["id", "_hoodie_file_name"],
            {},
            SchemaDriftError,
            "20260801-101512345.parquet: column '_hoodie_file_name' cannot be a column of the table",
            id="a-name-of-hudi-s",
        ),
        pytest.param(
            {"rename": {"name": "label"}},
            ["id"],
            {},
            ConfigError,
            "tables.t.rename names 'name', which is no column of the source; known are id",
            id="a-rename-of-nothing",
        ),
        pytest.param(
            {"rename": {"Name": "label"}}, ["id", "name"], {}, ConfigError, "tables.t.rename names 'Name'", id="by-case"
        ),
        pytest.param(
            {"rename": {"name": "label"}},
            ["id", "name"],
            {"id": "string", "name": "string"},
            ConfigError,
            "t: column 'name' of the source is 'name' in the table, and 'label' by the feed; run `rebuild`",
            id="a-rename-after-the-fact",
        ),
        pytest.param(
            {},
            ["id", "a b"],
            {"a_b": "string"},
            SchemaDriftError,
            "20260801-101512345.parquet: column 'a b' would be",
            id="later",
        ),
        pytest.param(
            {}, ["id", ""], {}, SchemaDriftError, "20260801-101512345.parquet: a column has no name", id="no-name"
        ),
    ],
)
def test_refused(
    spec: dict[str, Any], names: list[str], table: dict[str, str], error: type[DataError | ConfigError], message: str
) -> None:
    with pytest.raises(error) as refused:
        columns(spec, ("Op", "_change_order")).merged({CHANGES: footer(*names)}, table, {})
    assert str(refused.value).startswith(message)


def test_a_rename_that_was_made_counts_for_files_without_its_column() -> None:
    table = columns({"key": "id", "rename": {"Straße": "street", "NAME": "Name"}})
    before = {"id": "string", "street": "string", "Name": "string"}
    merged = table.merged({CHANGES: footer("id")}, before, {"street": "Straße"})
    assert merged.columns == before


@pytest.mark.parametrize(
    ("source", "spec", "changes", "fine"),
    [
        pytest.param({}, {}, ("id",), False, id="nothing"),
        pytest.param({"sequence_column": ""}, {}, ("id",), False, id="nothing-is-named"),
        pytest.param({}, {}, ("id", "AR_H_CHANGE_SEQ"), True, id="a-number"),
        pytest.param({"time_column": "ts"}, {}, ("id", "ts"), True, id="a-time"),
        pytest.param({"time_column": "ts"}, {}, ("id", "TS"), False, id="whose-name-is-exact"),
        pytest.param({"order_by": "file"}, {}, ("id",), True, id="the-names-of-files"),
        pytest.param({}, {"order_by": "file"}, ("id",), True, id="of-this-table"),
        pytest.param({"order_by": "file"}, {"order_by": "columns"}, ("id",), False, id="not-of-this-table"),
    ],
)
def test_what_orders_changes(
    source: dict[str, Any], spec: dict[str, Any], changes: tuple[str, ...], fine: bool
) -> None:
    table, footers = columns(spec, **source), {LOAD: footer("id"), CHANGES: footer(*changes)}
    table.check_order({LOAD: footer("id")})
    if fine:
        table.check_order(footers)
        return
    with pytest.raises(ConfigError, match=f"t: {CHANGES} has no column that orders its changes") as refused:
        table.check_order(footers)
    assert "''" not in str(refused.value)
    assert "()" not in str(refused.value)
