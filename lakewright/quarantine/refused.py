"""The rejected rows of a refused batch: those that quarantine already has are not stored twice."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import pyarrow as pa

from lakewright.log.actions.quarantine import REFUSED, QuarantineRows
from lakewright.log.actions.union import AnyAction
from lakewright.log.records import DataFile
from lakewright.log.state import TableState
from lakewright.quarantine.files import read_batches, rewrite_file
from lakewright.storage.lake import Lake

#: What identifies a rejected row.
_KEY: Final = ["object", "etag", "position"]
_PLACE: Final = "place"


def without_known_rows(lake: Lake, actions: Iterable[AnyAction], state: TableState, *, staging: str) -> list[AnyAction]:
    """Leave out rows that a committed batch has rejected: their files stay if this batch is refused.

    Files without these rows are written to ``staging``.
    """
    known = [file for file in state.quarantine.values() if file.partition != REFUSED]

    def reduced(action: QuarantineRows) -> QuarantineRows:
        files = [kept for file in action.files for kept in _without(lake, file, known, staging)]
        return msgspec.structs.replace(action, files=files)

    return [reduced(action) if isinstance(action, QuarantineRows) else action for action in actions]


def _without(lake: Lake, file: DataFile, known: Sequence[DataFile], staging: str) -> list[DataFile]:
    """Return a staged file, or one that lacks the rows of files with rows of the same objects."""
    same = [each for each in known if not set(each.objects).isdisjoint(file.objects)]
    if not same:
        return [file]
    before = pa.concat_tables(_keys(lake, each) for each in same)
    rows = pa.Table.from_batches(read_batches(lake, file.staged, file.size))
    numbered = rows.select(_KEY).append_column(_PLACE, pa.array(range(rows.num_rows), pa.int64()))
    new = numbered.join(before, _KEY, join_type="left anti").sort_by(_PLACE)[_PLACE]
    return [file] if len(new) == rows.num_rows else rewrite_file(lake, file, rows.take(new), staging=staging)


def _keys(lake: Lake, file: DataFile) -> pa.Table:
    schema = pa.schema([("object", pa.string()), ("etag", pa.string()), ("position", pa.int64())])
    try:
        return pa.Table.from_batches(read_batches(lake, file.path, file.size, _KEY), schema)
    except FileNotFoundError:  # it was deleted by hand
        return schema.empty_table()
