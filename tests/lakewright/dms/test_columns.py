"""Deriving the columns of a table from its files and feed."""

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


def test_columns_are_renamed_and_their_source_names_are_kept() -> None:
    table = columns({"key": "ID", "rename": {"Straße": "street"}})
    first = table.merged({LOAD: footer("id", "Straße", "a b", "plain")}, {}, {})
    assert list(first.columns) == ["ID", "street", "a_b", "plain"]
    assert first.renamed_sources == {"street": "Straße", "a_b": "a b"}
    messages = ["column 'Straße' of the source is street", "column 'a b' of the source is a_b"]
    assert list(map(str, first.changes)) == messages
    later = table.merged({CHANGES: footer("Op", "id", "A B", "c.d")}, first.columns, first.renamed_sources)
    assert list(later.columns) == ["ID", "street", "a_b", "plain", "c_d"]
    assert later.renamed_sources == {"street": "Straße", "a_b": "a b", "c_d": "c.d"}
    assert "added c_d string" in map(str, later.changes)
    assert "column 'c.d' of the source is c_d" in map(str, later.changes)
    assert table.merged({}, later.columns, later.renamed_sources).renamed_sources == later.renamed_sources


@pytest.mark.parametrize(
    ("spec", "names", "table", "error", "message"),
    [
        pytest.param(
            {"rename": {"x": "op"}},
            ["id", "x"],
            {},
            ConfigError,
            "t has a column 'op', but an append-only table stores the kind of each change as 'Op', and names that "
            "differ only in case clash; configure a key, or rename 'x' in tables.t.rename",
            id="clash-with-a-job-column",
        ),
        pytest.param(
            {}, ["id", "Öp"], {}, ConfigError, "t has a column 'Op', but an append-only", id="clash-after-mapping"
        ),
        pytest.param(
            {},
            ["id", "_hoodie_file_name"],
            {},
            SchemaDriftError,
            "20260801-101512345.parquet: column '_hoodie_file_name' cannot be a column of the table",
            id="reserved-by-hudi",
        ),
        pytest.param(
            {"rename": {"name": "label"}},
            ["id"],
            {},
            ConfigError,
            "tables.t.rename names 'name', which is not a column of the source; known are id",
            id="rename-of-an-unknown-column",
        ),
        pytest.param(
            {"rename": {"Name": "label"}},
            ["id", "name"],
            {},
            ConfigError,
            "tables.t.rename names 'Name'",
            id="rename-is-case-sensitive",
        ),
        pytest.param(
            {"rename": {"name": "label"}},
            ["id", "name"],
            {"id": "string", "name": "string"},
            ConfigError,
            "t: column 'name' of the source is 'name' in the table, and 'label' by the feed; run `rebuild`",
            id="rename-of-an-existing-table-column",
        ),
        pytest.param(
            {},
            ["id", "a b"],
            {"a_b": "string"},
            SchemaDriftError,
            "20260801-101512345.parquet: column 'a b' would be",
            id="clash-with-a-table-column",
        ),
        pytest.param(
            {}, ["id", ""], {}, SchemaDriftError, "20260801-101512345.parquet: a column has no name", id="empty-name"
        ),
    ],
)
def test_refused_columns(
    spec: dict[str, Any], names: list[str], table: dict[str, str], error: type[DataError | ConfigError], message: str
) -> None:
    with pytest.raises(error) as refused:
        columns(spec, ("Op", "_change_order")).merged({CHANGES: footer(*names)}, table, {})
    assert str(refused.value).startswith(message)


def test_an_applied_rename_is_valid_for_files_without_the_column() -> None:
    table = columns({"key": "id", "rename": {"Straße": "street", "NAME": "Name"}})
    before = {"id": "string", "street": "string", "Name": "string"}
    merged = table.merged({CHANGES: footer("id")}, before, {"street": "Straße"})
    assert merged.columns == before


@pytest.mark.parametrize(
    ("source", "spec", "changes", "is_ordered"),
    [
        pytest.param({}, {}, ("id",), False, id="no-ordering-column"),
        pytest.param({"sequence_column": ""}, {}, ("id",), False, id="none-configured"),
        pytest.param({}, {}, ("id", "AR_H_CHANGE_SEQ"), True, id="sequence-column"),
        pytest.param({"time_column": "ts"}, {}, ("id", "ts"), True, id="time-column"),
        pytest.param({"time_column": "ts"}, {}, ("id", "TS"), False, id="time-column-is-case-sensitive"),
        pytest.param({"order_by": "file"}, {}, ("id",), True, id="file-names"),
        pytest.param({}, {"order_by": "file"}, ("id",), True, id="file-names-for-this-table"),
        pytest.param(
            {"order_by": "file"}, {"order_by": "columns"}, ("id",), False, id="file-names-but-not-for-this-table"
        ),
    ],
)
def test_changes_need_an_order(
    source: dict[str, Any], spec: dict[str, Any], changes: tuple[str, ...], is_ordered: bool
) -> None:
    table, footers = columns(spec, **source), {LOAD: footer("id"), CHANGES: footer("Op", *changes)}
    table.check_changes({LOAD: footer("id")})
    if is_ordered:
        table.check_changes(footers)
        return
    with pytest.raises(ConfigError, match=f"t: {CHANGES} has no column that orders its changes") as refused:
        table.check_changes(footers)
    assert "''" not in str(refused.value)
    assert "()" not in str(refused.value)


def test_changes_need_a_kind() -> None:
    table = columns({"order_by": "file"})
    table.check_changes({LOAD: footer("id"), CHANGES: footer("id"), "20260801-111512345.parquet": footer("Op", "id")})
    with pytest.raises(ConfigError, match=f"t: {CHANGES} has no column 'Op', which tells inserts, updates and deletes"):
        table.check_changes({LOAD: footer("Op", "id"), CHANGES: footer("op", "id")})


@pytest.mark.parametrize(
    ("kind", "fits"),
    [
        ("string", True),
        ("bigint", True),
        ("decimal(35,0)", True),
        ("void", True),
        ("double", False),
        ("decimal(38,2)", False),
        ("timestamp", False),
    ],
)
def test_sequence_numbers_must_be_whole_numbers(kind: str, fits: bool) -> None:
    footers = {CHANGES: Footer(1, {"Op": "string", "id": "int", "ts": "string", "AR_H_CHANGE_SEQ": kind})}
    columns({"order_by": "file"}, time_column="ts").check_changes(footers)
    table = columns({}, time_column="ts")
    if fits:
        table.check_changes(footers)
        return
    with pytest.raises(
        ConfigError, match=r"t: the sequence numbers in 20260801.* \('AR_H_CHANGE_SEQ'\) are .* as text"
    ):
        table.check_changes(footers)
