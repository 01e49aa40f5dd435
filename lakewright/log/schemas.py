"""Learned schemas: each version is part of the outcome of the batch that introduced it.

A version therefore exists exactly if its batch is committed; a killed run neither loses nor duplicates one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from lakewright.log.actions.tables import SetProperties
from lakewright.log.log import Plan
from lakewright.log.records import SchemaVersion
from lakewright.log.state import TableState
from transforms.events.column_names import plain_name
from transforms.events.schema import TEXT_SUFFIX, EventColumn, EventSchema
from transforms.events.types import ddl_type
from transforms.schema_changes import SchemaChange

_SOURCE_COLUMNS: Final = "source_columns"
#: Built on import, also for ``msgspec.convert``; see ``lakewright.log.entries``.
_COLUMN: Final = msgspec.json.Decoder(EventColumn)


def source_columns(state: TableState) -> Mapping[str, str]:
    """Return the source's name of each renamed column."""
    names: Mapping[str, str] = state.properties.get(_SOURCE_COLUMNS, {})
    return names


def note_source_columns(sources: Mapping[str, str], state: TableState, *, anew: bool) -> list[SetProperties]:
    """Return the action that records the source's names, if they have changed."""
    before = {} if anew else source_columns(state)
    return [SetProperties({_SOURCE_COLUMNS: dict(sources)})] if dict(sources) != before else []


def known_schema(versions: Sequence[SchemaVersion]) -> EventSchema:
    """Fold versions to the columns of a table."""
    columns: list[EventColumn] = []
    for version in versions:
        added = [msgspec.convert(column, _COLUMN.type) for column in version.columns]
        columns = added if version.anew else [*columns, *added]
    return EventSchema(columns)


def next_version(plan: Plan, state: TableState, now: EventSchema, *, separator: str) -> SchemaVersion | None:
    """Return the version that a batch adds: new columns, or different columns after a rebuild."""
    before, anew = known_schema(state.schema_versions).columns, plan.overwrites_table
    columns = now.columns if anew else now.columns[len(before) :]
    if not columns or columns == before:
        return None
    return SchemaVersion(
        number=len(state.schema_versions) + 1,
        batch=plan.number,
        run=plan.run,
        day=plan.processing_date,
        separator=separator,
        anew=anew,
        columns=[msgspec.to_builtins(column) for column in columns],
    )


def schema_changes(before: EventSchema, now: EventSchema, *, separator: str) -> list[SchemaChange]:
    """Return added, changed and dropped columns, with the attribute of each and the reason for unusual names."""
    was = {column.name: column for column in before.columns}
    changes = []
    for column in now.columns:
        kind, older = ddl_type(column.type), was.pop(column.name, None)
        origin = f"from {column.describe()}{_reason_of_name(column, separator)}"
        if older is None:
            changes.append(SchemaChange("added", column.name, "", kind, origin, note=f" {origin}"))
        elif older.type != column.type:
            former = ddl_type(older.type)
            changes.append(SchemaChange("changed", column.name, former, kind, origin, note=f" {origin}"))
    return changes + [SchemaChange("dropped", name, ddl_type(column.type)) for name, column in was.items()]


def describe_changes(before: EventSchema, now: EventSchema, *, separator: str) -> list[str]:
    """Describe the changes, one line each."""
    return list(map(str, schema_changes(before, now, separator=separator)))


def history(versions: Sequence[SchemaVersion]) -> list[dict[str, Any]]:
    """Describe each version: its time, batch and changes."""
    versions_shown = []
    for end, version in enumerate(versions, 1):
        before, now = known_schema(versions[: end - 1]), known_schema(versions[:end])
        versions_shown.append(
            {
                "version": version.number,
                "day": version.day,
                "batch": version.batch,
                "run": version.run,
                "columns": len(now.columns),
                "changes": describe_changes(before, now, separator=version.separator),
            }
        )
    return versions_shown


def _reason_of_name(column: EventColumn, separator: str) -> str:
    plain = plain_name(column.path, separator) + (TEXT_SUFFIX if column.is_text else "")
    return "" if column.name == plain else f" (the name {plain} was already used)"
