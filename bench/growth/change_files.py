"""Files as AWS DMS writes them: full loads and changes of tables with an id."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.growth.subject import write_feed

PARTITIONS: Final = 4
_BEGAN: Final = datetime(2026, 8, 1, tzinfo=UTC)


def write_change_feed(folder: Path, tables: Sequence[str], *, partitioned: bool = True, **target: Any) -> None:
    """Write a feed of tables with the key ``id``."""
    spec = {"key": "id", **({"partition_by": "department"} if partitioned else {})}
    write_feed(
        folder,
        "hr",
        {
            "job": "cdc_to_hudi",
            "source": {"path": "raw/hr/", "time_column": "ts", "replication_columns": ["ts"]},
            "target": {"path": "refined/hr/", **target},
            "tables": dict.fromkeys(tables, spec),
        },
    )


def write_load(folder: Path, table: str, rows: int) -> None:
    """Write a full load."""
    _write(folder / "lake/raw/hr" / table / "LOAD00000001.parquet", _columns(pa.array(range(rows)), 0))


def write_changes(folder: Path, table: str, second: int, kinds: str, ids: Sequence[int]) -> None:
    """Write changes of one moment: ``kinds`` has a letter per id, or one for all."""
    moment = _BEGAN + timedelta(seconds=second)
    count = len(ids)
    change = {
        "Op": pa.array(list(kinds) if len(kinds) == count else [kinds] * count),
        "ts": pa.array([f"{moment:%Y-%m-%d %H:%M:%S.000000}"] * count),
    }
    name = f"{moment:%Y%m%d-%H%M%S}000.parquet"
    _write(folder / "lake/raw/hr" / table / name, {**change, **_columns(pa.array(ids), second)})


def _columns(ids: pa.Array, version: int) -> dict[str, pa.Array]:
    texts = ids.cast("string")
    department = pc.bit_wise_and(ids, PARTITIONS - 1).cast("string")
    name = pc.binary_join_element_wise("name ", texts, f" version {version}", "")
    return {"id": ids, "name": name, "department": pc.binary_join_element_wise("d", department, "")}


def _write(path: Path, columns: dict[str, pa.Array]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
