"""The columns that describe a change."""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.errors import MissingColumnsError

# Added by a reader to the columns of the source table.
KIND: Final = "_lakewright_kind"
SEQUENCE: Final = "_lakewright_sequence"
TIME: Final = "_lakewright_time"
IS_LOAD: Final = "_lakewright_is_load"
OBJECT: Final = "_lakewright_object"
FILE: Final = "_lakewright_file"
POSITION: Final = "_lakewright_position"
#: Names of the columns that a change's file lacks.
ABSENT: Final = "_lakewright_absent"
#: Prefix of columns with the key and partition values before an update.
BEFORE: Final = "_lakewright_before_"

# Added by transforms.
KEY: Final = "_record_key"
ORDER: Final = "_change_order"
IS_DELETED: Final = "_hoodie_is_deleted"
#: Whether the first change of a key is an update, so that its row must be in the table already.
UPDATES: Final = "_lakewright_updates"
#: The order of a key's first change.
FIRST_ORDER: Final = "_lakewright_first_order"
#: Whether a deletion is that of a key that is now in another partition.
MOVES: Final = "_lakewright_moves"
#: The key before an update that changed it, as text; null if unchanged.
FORMER_KEY: Final = "_lakewright_former_key"
#: Whether a deletion follows from an update that changed the key, and has no row in a file.
IS_IMPLIED: Final = "_lakewright_is_implied"
REJECTED: Final = "_lakewright_rejected"
REASONS: Final = "_lakewright_reasons"


def is_update_in_place(changes: DataFrame) -> Column:
    """Whether a change updates a row that keeps its key; other changes are whole rows or deletions.

    Columns in: _lakewright_kind, _lakewright_is_load, _hoodie_is_deleted; if present, _lakewright_former_key
    """
    is_update = ~F.col(IS_LOAD) & F.col(IS_DELETED).isNull() & F.coalesce(F.col(KIND) == "U", F.lit(False))
    return is_update & F.col(FORMER_KEY).isNull() if FORMER_KEY in changes.columns else is_update


def require_columns(frame: DataFrame, names: Sequence[str]) -> None:
    """Require columns of a frame.

    Raises:
        MissingColumnsError: If one is missing.
    """
    if missing := [name for name in names if name not in frame.columns]:
        raise MissingColumnsError(missing, [name for name in frame.columns if not name.startswith("_")])
