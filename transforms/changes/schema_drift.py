"""Which changes of a source's columns a table of changes takes. Text only, no pyspark."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from transforms.changes.column_names import problem_with_name
from transforms.changes.column_types import VOID, can_cast, common_type, holds, keeps_text
from transforms.errors import SchemaDriftError

_NO_CAST: Final[Mapping[str, str]] = {}


def merge_columns(
    table: Mapping[str, str],
    files: Iterable[tuple[str, Mapping[str, str]]],
    *,
    key: Collection[str],
    partition_by: Collection[str],
    of_deletes: Collection[str] = (),
    cast: Mapping[str, str] = _NO_CAST,
) -> tuple[dict[str, str], list[str]]:
    """Bring a table's columns and those of files together: each has the narrowest type that holds all of them.

    Names are those of the table, see ``transforms.changes.column_names``. They are compared without regard to case; a
    column keeps the name that it had first, in the feed or in a file.
    ``of_deletes`` are columns that a file of deletes may hold beside the key; ``cast`` says which type columns get
    instead. ``table`` is empty before the first batch.

    Returns:
        The columns that the table has afterwards, and in words what changes.

    Raises:
        SchemaDriftError: If a key or partition column is missing, no type holds all of a column's values, the values of
            a key or partition column would be written as other text, or a name cannot be.
    """
    columns, cast = dict(table), {name.casefold(): kind for name, kind in cast.items()}
    shapes: dict[str, None] = {}
    for name, kind in table.items():
        columns[name] = _cast_in_table(name, kind, cast.get(name.casefold(), kind))
    for path, found in files:
        names = {name.casefold(): name for name in (*key, *partition_by, *columns)}
        own = {names.get(name.casefold(), name): kind for name, kind in found.items()}
        # A file of deletes may hold the key alone; any other needs the partition columns as well.
        is_key_alone = set(own) <= {*key, *of_deletes}
        _check_needed(path, own, columns, key, () if is_key_alone else partition_by)
        for name, kind in own.items():
            if name not in columns:
                _check_name(path, name)
            where = "in the table" if name in table else "in files before it"
            before = columns.get(name, VOID)
            wanted = cast.get(name.casefold())
            columns[name] = _cast(path, name, kind, wanted) if wanted else _widened(path, name, kind, before, where)
        if table and not is_key_alone:
            shapes.update(dict.fromkeys(_shape_changes(own, table)))
    columns = {name: kind for name, kind in columns.items() if kind != VOID}
    _check_texts(table, columns, (*key, *partition_by))
    return columns, [*_type_changes(table, columns), *shapes]


def _cast(path: str, name: str, kind: str, wanted: str) -> str:
    if kind not in (VOID, wanted) and not can_cast(kind, wanted):
        raise SchemaDriftError(
            f"{path}: column {name!r} is {kind}, which cannot be cast to {wanted}; nothing was written; choose another "
            "type under `cast` in the table's config"
        )
    return wanted


def _widened(path: str, name: str, kind: str, before: str, where: str) -> str:
    both = common_type(before, kind)
    if both is not None:
        return both
    mend = (
        f"choose a type under `cast` in the table's config, such as {{{name}: string}}, and run `rebuild`"
        if can_cast(kind, "string") and can_cast(before, "string")
        else "leave the column out (source.replication_columns), or mend the files at the source, and run `rebuild`"
    )
    raise SchemaDriftError(
        f"{path}: column {name!r} is {kind}, and {before} {where}; no type holds both without loss; nothing was "
        f"written; {mend}"
    )


def _cast_in_table(name: str, kind: str, wanted: str) -> str:
    if not holds(wanted, kind):
        raise SchemaDriftError(
            f"column {name!r} is {kind} in the table, which `cast` cannot make {wanted} without loss; nothing was "
            "written; run `rebuild`, which reads all files as the new type"
        )
    return wanted


def _check_texts(table: Mapping[str, str], columns: Mapping[str, str], names: Collection[str]) -> None:
    """Refuse types by which values of key and partition columns would be written otherwise than they are."""
    for name in names:
        if name in table and name in columns and not keeps_text(table[name], columns[name]):
            raise SchemaDriftError(
                f"column {name!r} of the key or partition grows from {table[name]} to {columns[name]}, by which its "
                "values would be written as other text than in the table; nothing was written; run `rebuild`"
            )


def _type_changes(table: Mapping[str, str], columns: Mapping[str, str]) -> list[str]:
    widened = [
        f"widened {name} from {kind} to {columns[name]}" for name, kind in table.items() if columns[name] != kind
    ]
    return widened + [f"added {name} {kind}" for name, kind in columns.items() if table and name not in table]


def _check_needed(
    path: str, own: Mapping[str, str], columns: Mapping[str, str], key: Collection[str], partition_by: Collection[str]
) -> None:
    for name in (*key, *partition_by):
        if name not in own:
            role = "key" if name in key else "partition"
            was = f" ({columns[name]} in the table)" if name in columns else ""
            has = ", ".join(f"{found} {kind}" for found, kind in own.items())
            raise SchemaDriftError(
                f"{path}: {role} column {name!r}{was} is not there; the file has {has}; nothing was written"
            )


def _check_name(path: str, name: str) -> None:
    if problem := problem_with_name(name):
        raise SchemaDriftError(
            f"{path}: column {name!r} cannot be a column of the table: {problem}; rename it in the table's settings"
        )


def _shape_changes(own: Mapping[str, str], table: Mapping[str, str]) -> list[str]:
    told = [f"{name} is absent from a file; the column stays" for name in table if name not in own]
    common = [name for name in own if name in table]
    if common != [name for name in table if name in own]:
        told.append(f"reordered: {', '.join(common)}")
    return told
