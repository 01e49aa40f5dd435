"""The rows of a quarantine table."""

from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

#: What differs between two lakes with the same content.
_OF_THE_LAKE: Final = ("etag", "run")


def quarantined_rows(folder: Path, *, everything: bool = False) -> list[dict[str, Any]]:
    """Read all files below a folder, with maps as dicts; without ``everything``, leave out ETags and runs."""
    rows = [row for file in folder.rglob("*.parquet") for row in pq.read_table(file, partitioning=None).to_pylist()]
    for row in rows:
        row["fields"] = None if row["fields"] is None else dict(row["fields"])
    left_out = () if everything else _OF_THE_LAKE
    kept = [{name: value for name, value in row.items() if name not in left_out} for row in rows]
    return sorted(kept, key=lambda row: (row["object"], row["position"], str(row)))
