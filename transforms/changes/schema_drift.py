"""Schema evolution of change tables. No pyspark."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from transforms.changes.column_names import problem_with_name
from transforms.changes.column_types import VOID, can_cast, common_type, holds, keeps_text
from transforms.errors import SchemaDriftError
from transforms.schema_changes import SchemaChange

_NO_CAST: Final[Mapping[str, str]] = {}


def merge_columns(
    table: Mapping[str, str],
    files: Iterable[tuple[str, Mapping[str, str]]],
    *,
    key: Collection[str],
    partition_by: Collection[str],
    of_deletes: Collection[str] = (),
    cast: Mapping[str, str] = _NO_CAST,
) -> tuple[dict[str, str], list[SchemaChange]]:
    """Merge the columns of a table and of files: each gets the narrowest type for all of its values.

    Args:
        table: Types of the table's columns; empty before the first batch.
        files: Paths, with types by table column name (see ``transforms.changes.column_names``). Names are compared
            without regard to case; a column keeps its first spelling, in the feed or a file.
        key: Key columns.
        partition_by: Partition columns.
        of_deletes: Columns that a file of deletes may have in addition to the key.
        cast: Types that replace those of table and files.

    Returns:
        The table's new columns, and the changes.

    Raises:
        SchemaDriftError: If a key or partition column is missing, no type fits all values of a column, the text form of
            key or partition values would change, or a name is invalid.
    """
    columns, cast = dict(table), {name.casefold(): kind for name, kind in cast.items()}
    shapes: dict[SchemaChange, None] = {}
    causes: dict[str, str] = {}
    for name, kind in table.items():
        columns[name] = _cast_in_table(name, kind, cast.get(name.casefold(), kind))
    for path, in_file in files:
        names = {name.casefold(): name for name in (*key, *partition_by, *columns)}
        own = {names.get(name.casefold(), name): kind for name, kind in in_file.items()}
        # A file of deletes may have the key only; any other needs the partition columns as well.
        is_key_alone = set(own) <= {*key, *of_deletes}
        _check_needed(path, own, columns, key, () if is_key_alone else partition_by)
        for name, kind in own.items():
            if name not in columns:
                _check_name(path, name)
            where = "in the table" if name in table else "in files before it"
            before = columns.get(name, VOID)
            wanted = cast.get(name.casefold())
            columns[name] = _cast(path, name, kind, wanted) if wanted else _widened(path, name, kind, before, where)
            if columns[name] != before:
                causes[name] = f"{path} has {kind}"
        if table and not is_key_alone:
            shapes.update(dict.fromkeys(_shape_changes(own, table)))
    columns = {name: kind for name, kind in columns.items() if kind != VOID}
    _check_texts(table, columns, (*key, *partition_by))
    return columns, [*_type_changes(table, columns, causes), *shapes]


def _cast(path: str, name: str, kind: str, wanted: str) -> str:
    if kind not in (VOID, wanted) and not can_cast(kind, wanted):
        raise SchemaDriftError(
            f"{path}: column {name!r} is {kind}, which cannot be cast to {wanted}; nothing was written; choose another "
            "type under `cast` in the table's config",
            SchemaChange("refused", name, kind, wanted, "no value of the type can be cast"),
        )
    return wanted


def _widened(path: str, name: str, kind: str, before: str, where: str) -> str:
    wider = common_type(before, kind)
    if wider is not None:
        return wider
    remedy = (
        f"choose a type under `cast` in the table's config, such as {{{name}: string}}, and run `rebuild`"
        if can_cast(kind, "string") and can_cast(before, "string")
        else "drop the column (source.replication_columns), or correct the files at the source, and run `rebuild`"
    )
    raise SchemaDriftError(
        f"{path}: column {name!r} is {kind}, but {before} {where}; no type fits both without loss; nothing was "
        f"written; {remedy}",
        SchemaChange("refused", name, before, kind, f"no type fits both without loss; {path} has {kind}"),
    )


def _cast_in_table(name: str, kind: str, wanted: str) -> str:
    if not holds(wanted, kind):
        raise SchemaDriftError(
            f"column {name!r} is {kind} in the table, which `cast` cannot convert to {wanted} without loss; nothing "
            "was written; run `rebuild`, which reads all files as the new type",
            SchemaChange("refused", name, kind, wanted, "`cast` would lose values of the table; `rebuild` does not"),
        )
    return wanted


def _check_texts(table: Mapping[str, str], columns: Mapping[str, str], names: Collection[str]) -> None:
    """Refuse types that change the text form of key and partition values."""
    for name in names:
        if name in table and name in columns and not keeps_text(table[name], columns[name]):
            raise SchemaDriftError(
                f"column {name!r} of the key or partition grows from {table[name]} to {columns[name]}, which would "
                "change the text of its values in the table; nothing was written; run `rebuild`",
                SchemaChange("refused", name, table[name], columns[name], "the text of keys and folders would change"),
            )


def _type_changes(
    table: Mapping[str, str], columns: Mapping[str, str], causes: Mapping[str, str]
) -> list[SchemaChange]:
    widened = [
        SchemaChange("widened", name, kind, columns[name], causes.get(name, "`cast` in the table's config"))
        for name, kind in table.items()
        if columns[name] != kind
    ]
    return widened + [
        SchemaChange("added", name, after=kind, why=causes.get(name, ""))
        for name, kind in columns.items()
        if table and name not in table
    ]


def _check_needed(
    path: str, own: Mapping[str, str], columns: Mapping[str, str], key: Collection[str], partition_by: Collection[str]
) -> None:
    for name in (*key, *partition_by):
        if name not in own:
            role = "key" if name in key else "partition"
            was = f" ({columns[name]} in the table)" if name in columns else ""
            has = ", ".join(f"{column} {kind}" for column, kind in own.items())
            raise SchemaDriftError(
                f"{path}: {role} column {name!r}{was} is missing; the file has {has}; nothing was written",
                SchemaChange("refused", name, columns.get(name, ""), why=f"the {role} column is missing in {path}"),
            )


def _check_name(path: str, name: str) -> None:
    if problem := problem_with_name(name):
        raise SchemaDriftError(
            f"{path}: column {name!r} cannot be a column of the table: {problem}; rename it in the table's settings",
            SchemaChange("refused", name, why=problem),
        )


def _shape_changes(own: Mapping[str, str], table: Mapping[str, str]) -> list[SchemaChange]:
    changes = [SchemaChange("absent", name) for name in table if name not in own]
    common = [name for name in own if name in table]
    if common != [name for name in table if name in own]:
        changes.append(SchemaChange("reordered", ", ".join(common)))
    return changes
