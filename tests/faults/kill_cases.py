"""What ``make kills`` kills: feeds of ``conf/`` over deliveries made of ``examples/``, and all that their runs leave."""

import gzip
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from lakewright.storage.temporary_files import is_temporary
from tests.conftest import ROOT, Answer, command
from tests.quarantine import quarantined_rows

EXAMPLES: Final = ROOT / "examples"
_TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S.%f"
_STAGES: Final = ("lease", "plan", "read", "check", "committed", "clean up", "receipt")


@dataclass(frozen=True)
class KillCase:
    """A feed, what lies at its source before the run that is killed, and what that run takes.

    Attributes:
        stages: Stages of the run, as ``killed_run.py`` names them, each with how often it comes.
        source: The folder that the feed reads.
    """

    feed: str
    first: Callable[[Path], None]
    second: Callable[[Path], None]
    stages: tuple[tuple[str, int], ...]
    source: str

    def arguments(self, lake: Path, verb: str = "run") -> list[str]:
        where = ["--lake", str(lake), "--config", str(ROOT / "conf")]
        return [verb, self.feed, *where, "--set", "max_rejected=0.5", "--json"]

    def command(self, lake: Path, verb: str = "run") -> Answer:
        """Run a verb in this process."""
        return command(*self.arguments(lake, verb))

    def outcome(self, lake: Path) -> dict[str, Any]:
        """Read all that must be equal to what an undisturbed run leaves."""
        return {
            "status": _status(self.command(lake, "status").data),
            "rows": rows_of(lake / "refined"),
            "quarantine": quarantined_rows(lake / "quarantine"),
            "source": {path: (lake / path).read_bytes() for path in _paths(lake, self.source)},
            "leftovers": [path for path in _paths(lake) if _is_leftover(path)],
        }


def _is_leftover(path: str) -> bool:
    """Tell staging, a lease and half-written files from what a run leaves on purpose."""
    name = path.rsplit("/", 1)[-1]
    return "_staging/" in path or "_temporary/" in path or name == "lease" or is_temporary(name)


def _stages(*more: tuple[str, int]) -> tuple[tuple[str, int], ...]:
    return (*((stage, 1) for stage in _STAGES), *more)


def _copy(source: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(EXAMPLES / source, target)


def first_customers(lake: Path) -> None:
    path = "raw/customers/year=2019/month=08/day=21/customers_20190821.csv"
    _copy(path, lake / path)


def second_customers(lake: Path) -> None:
    path = "raw/customers/year=2019/month=08/day=22/customers_20190822.csv"
    _copy(path, lake / path)
    late = lake / "raw/customers/year=2019/month=08/day=21/customers_20190821-late.csv"
    late.write_bytes((EXAMPLES / path).read_bytes().replace(b"s-11", b"s-12"))  # sale_id is unique, says the gate


def first_sales(lake: Path) -> None:
    _copy("raw/retail_sales/retail_sales_1.csv", lake / "raw/retail_sales/retail_sales_1.csv")


def second_sales(lake: Path) -> None:
    _copy("later/retail_sales/retail_sales_2.csv", lake / "raw/retail_sales/retail_sales_2.csv")
    (lake / "raw/retail_sales/retail_sales_3.csv").write_text(
        "email_id,retailer_name,units_purchased,purchase_date,sale_id\n"
        "cy@example.org,The Old Mill,2,03/08/2026,s-9\ncy@example.org,The Old Mill,two,03/08/2026,s-10\n"
    )


def first_quakes(lake: Path) -> None:
    for partition, offset in ((0, 0), (0, 1), (1, 0), (1, 700)):
        _copy_quakes(lake, partition, offset)


def second_quakes(lake: Path) -> None:
    """Late events, a copy of events under other offsets' names, a new attribute, and a line that is no JSON."""
    for partition, offset in ((0, 300), (0, 301), (1, 1)):
        _copy_quakes(lake, partition, offset)
    folder = lake / "raw/topics/geo.quakes/partition=0"
    known = gzip.decompress((folder / "geo.quakes+0+0000000001.json.gz").read_bytes()).splitlines()
    event = {"event": "quake", "event_id": "late", "ts": 1517752331430, "observer": {"stations": ["here"]}}
    lines = [*known[-5:], json.dumps(event).encode(), b"not JSON"]
    (folder / "geo.quakes+0+0000000295.json.gz").write_bytes(gzip.compress(b"\n".join(lines) + b"\n", mtime=0))


def _copy_quakes(lake: Path, partition: int, offset: int) -> None:
    path = f"raw/topics/geo.quakes/partition={partition}/geo.quakes+{partition}+{offset:010}.json.gz"
    _copy(path, lake / path)


def first_uploads(lake: Path) -> None:
    _copy("dataset/notes.json", lake / "dataset/notes.json")


def second_uploads(lake: Path) -> None:
    """Write copies of the upload, of a few kB to a few MB, plain and packed."""
    notes = (EXAMPLES / "dataset/notes.json").read_bytes().rstrip() + b"\n"
    for number in range(8):
        body = notes * 4**number if number < 7 else notes * 3000
        name = f"{number}/copy.json" + (".gz" if number % 2 else "")
        path = lake / "dataset" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(body, 1, mtime=0) if number % 2 else body)


def changes_of(source: str, table: str, file: str, key: str, time: str) -> tuple[Callable[[Path], None], ...]:
    """Give the two deliveries of a table: its load and first changes; then late, newer and unknown ones."""
    schema = source.rsplit("/", 1)[-1]

    def first(lake: Path) -> None:
        folder = lake / source / table
        _copy(f"{source}/{table}/LOAD00000001.parquet", folder / "LOAD00000001.parquet")
        _copy(f"later/{schema}/{table}/{file}", folder / file)

    def second(lake: Path) -> None:
        folder = lake / source / table
        load = pq.read_table(EXAMPLES / f"{source}/{table}/LOAD00000001.parquet").to_pylist()
        changes = pq.read_table(EXAMPLES / f"later/{schema}/{table}/{file}")
        deleted = [row[key] for row in changes.to_pylist() if row["Op"] == "D"]
        kept = [row for row in changes.to_pylist() if row["Op"] != "D"]
        late = [row | {"Op": "U", time: _moved(row[time], hours=-1)} for row in kept]
        late += [late[0] | {key: gone} for gone in deleted]
        newer = [
            row | {"Op": ("U", "D", "U")[number % 3], time: _moved(kept[0][time], hours=24, seconds=number)}
            for number, row in enumerate(load)
        ]
        newer += [newer[0] | {"Op": "I", key: 9000 + number} for number in range(3)]
        newer += [newer[0] | {"Op": "?"}]
        for name, rows in (("late", late), ("newer", newer)):
            path = folder / f"2026080{2 if name == 'newer' else 1}-235959000.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows, schema=changes.schema), path)

    return first, second


def _moved(time: str, *, hours: int, seconds: int = 0) -> str:
    return (datetime.strptime(time, _TIME_FORMAT) + timedelta(hours=hours, seconds=seconds)).strftime(_TIME_FORMAT)


_CSV_STAGES: Final = _stages(("worker starts", 1), ("a file is staged", 1), ("publish", 1))
_HUDI_STAGES: Final = _stages(("hudi writes", 1), ("hudi writes", 1), ("apply", 1), ("applied", 1))

CASES: Final[dict[str, tuple[KillCase, ...]]] = {
    "csv_to_parquet": (
        KillCase(
            "customers",
            first_customers,
            second_customers,
            (*_CSV_STAGES, ("move", 1), ("move", 2), ("move", 3), ("remove", 1)),
            "raw/customers/",
        ),
        KillCase(
            "retail_sales", first_sales, second_sales, (*_CSV_STAGES, ("move", 1), ("move", 2)), "raw/retail_sales/"
        ),
    ),
    "flatten_events": (
        KillCase(
            "events",
            first_quakes,
            second_quakes,
            _stages(("settle", 1), ("a file is staged", 1), ("publish", 1), ("move", 1), ("move", 2), ("move", 3)),
            "raw/topics/",
        ),
    ),
    "json_scrub": (
        KillCase(
            "uploads",
            first_uploads,
            second_uploads,
            _stages(*(("an object is scrubbed", count) for count in (2, 3, 4))),
            "dataset/",
        ),
    ),
    "cdc_to_hudi": (
        *(
            KillCase(
                feed,
                *changes_of(
                    "raw/human_resources",
                    "employee_details",
                    "20201025-075810123.parquet",
                    "emp_no",
                    "update_ts_dms",
                ),
                _HUDI_STAGES,
                "raw/human_resources/",
            )
            for feed in ("human_resources", "human_resources_mor")
        ),
        KillCase(
            "dev",
            *changes_of(
                "dmsdata/dev", "retail_transactions", "20190319-100510123.parquet", "tran_id", "dms_received_ts"
            ),
            _HUDI_STAGES,
            "dmsdata/dev/",
        ),
    ),
}


def _paths(lake: Path, below: str = "") -> list[str]:
    return sorted(path.relative_to(lake).as_posix() for path in (lake / below).rglob("*") if path.is_file())


def _status(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give what ``status`` says, without the ids and times of a run and the sizes of what it wrote."""
    shown = []
    for entry in entries:
        last = {name: value for name, value in entry["last_batch"].items() if name not in ("run", "table_commit")}
        commit = _without_instant(entry["last_batch"].get("table_commit") or {})
        properties = _without_instant(entry["properties"])
        shown.append({**entry, "bytes": None, "last_batch": last, "table_commit": commit, "properties": properties})
    return shown


def _without_instant(details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if name not in ("instant", "bytes")}


def rows_of(folder: Path) -> dict[str, list[str]]:
    """Read all rows that a reader by path would, duplicates and all, by table; those of Hudi tables through hudi-rs."""
    from hudi import HudiTableBuilder

    rows: dict[str, list[str]] = {}
    tables = {path.parent for path in folder.glob("*/*/.hoodie")}
    for table in tables:
        # A reader without our own code, over a copy: it sees what is on disk, and nothing that Spark has cached.
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(table, copy, dirs_exist_ok=True)
            batches = HudiTableBuilder.from_base_uri(copy).build().read()
        found = [row for batch in batches for row in pa.Table.from_batches([batch]).to_pylist()]
        rows[table.name] = [_text(row) for row in found]
    for file in folder.rglob("*.parquet"):
        if not tables.intersection(file.parents):
            where = file.parent.relative_to(folder).as_posix()
            read = pq.ParquetFile(file).read().to_pylist()
            rows.setdefault(where, []).extend(_text(row) for row in read)
    return {where: sorted(found) for where, found in sorted(rows.items())}


def _text(row: dict[str, Any]) -> str:
    return repr({name: row[name] for name in sorted(row) if not name.startswith("_hoodie_")})
