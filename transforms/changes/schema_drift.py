"""Which changes of a source's columns a table of changes takes. Text only, no pyspark."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from transforms.changes.column_names import problem_with_name
from transforms.errors import SchemaDriftError

_WIDER: Final = {("int", "bigint")}


def merge_columns(
    table: Mapping[str, str],
    files: Iterable[tuple[str, Mapping[str, str]]],
    *,
    key: Collection[str],
    partition_by: Collection[str],
    of_deletes: Collection[str] = (),
    widens: bool,
) -> tuple[dict[str, str], list[str]]:
    """Bring a table's columns and those of files together.

    Names are those of the table, see ``transforms.changes.column_names``. They are compared without regard to case; a
    column keeps the name that it had first, in the feed or in a file.
    ``of_deletes`` are columns that a file of deletes may hold beside the key.
    ``table`` is empty before the first batch; ``widens`` tells whether a table's whole numbers may become bigint.

    Returns:
        The columns that the table has afterwards, and in words what changes.

    Raises:
        SchemaDriftError: If a key or partition column is missing, a type has changed otherwise, or a name cannot be.
    """
    columns = dict(table)
    told: dict[str, None] = {}
    for path, found in files:
        names = {name.casefold(): name for name in (*key, *partition_by, *columns)}
        own = {names.get(name.casefold(), name): kind for name, kind in found.items()}
        # A file of deletes may hold the key alone; any other needs the partition columns as well.
        is_key_alone = set(own) <= {*key, *of_deletes}
        _check_needed(path, own, columns, key, () if is_key_alone else partition_by)
        for name, kind in own.items():
            before = columns.get(name)
            if before is None:
                _check_name(path, name)
                columns[name] = kind
                if table:
                    told[f"added {name} {kind}"] = None
            elif (before, kind) in _WIDER and (widens or name not in table):
                columns[name] = kind
                if name in table:
                    told[f"widened {name} from {before} to {kind}"] = None
            elif before != kind and (kind, before) not in _WIDER:
                raise SchemaDriftError(
                    f"{path}: column {name!r} is {kind}, and {before} in the table; nothing was written; mend the "
                    "source, or run `rebuild` once all of its files agree"
                )
        if table and not is_key_alone:
            told.update(dict.fromkeys(_shape_changes(own, table)))
    return columns, list(told)


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
