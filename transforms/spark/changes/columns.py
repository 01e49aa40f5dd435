"""Conditions on the columns that describe a change."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.changes.columns import FORMER_KEY, IS_DELETED, IS_LOAD, KIND
from transforms.errors import MissingColumnsError


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
