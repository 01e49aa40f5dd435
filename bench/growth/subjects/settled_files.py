"""Files of events that do not overlap, half of them new: settling has nothing to read, only to compare."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.growth.subject import Step, Subject

#: Runs on the code of any checkout; arguments: the number of files, and whether records carry their offsets.
_SETTLE: Final = """
import sys, time
from datetime import date, timedelta
from lakewright.kafka.batches import EventBatch, NewFile, ReadEvents
from lakewright.kafka.rules import EventRules
from lakewright.kafka.settling import _settling_tasks
from lakewright.log.records import DataFile
from lakewright.parquet.place import TablePlace
from lakewright.quarantine.place import QuarantinePlace
from transforms.events.schema import EventSchema

def file(number):
    day = date(2016, 1, 1) + timedelta(days=number // 4)
    path = f"raw/t/{day:%Y/%m/%d}/t+{number % 4}+{number}.json"
    partition = f"{day:year=%Y/month=%m/day=%d}"
    offsets = {f"t/{number % 4}": (number * 1000, number * 1000 + 999)}
    return DataFile(path, f"staged/{number}", partition, 1000, 1000, objects=[path], offsets=offsets)

files, is_carried = int(sys.argv[1]), sys.argv[2] == "carried"
existing = [file(number) for number in range(files // 2)]
new = [NewFile(file(number), (0, number // 100), frozenset(), False, True) for number in range(files // 2, files)]
schema, table = EventSchema(), TablePlace("staging/", "table/", "1-", "snappy")
batch = EventBatch(
    source_uri="", lake_uri="", objects=[], rules=EventRules({}, offset=("offset",) if is_carried else None),
    separator="_", reserved=(), known=schema, former=schema, existing=existing, retaken=frozenset(), dedupe_days=7,
    table=table, quarantine=QuarantinePlace("staging/", "quarantine/", "run", "2026-08-01"),
)
began = time.process_time()
tasks = _settling_tasks(batch, ReadEvents(schema, {}, new), existing, [])
print(time.process_time() - began)
assert not any(task.rivals for task in tasks)
"""


def make(folder: Path, files: int) -> None:
    """Note the number of files, which need not exist."""
    (folder / "lake").mkdir()
    (folder / "files").write_text(str(files))


def settle(offsets: str) -> Callable[[Path], Sequence[str]]:
    """Return the command to settle files whose offsets are carried by the records, or computed."""
    return lambda folder: [sys.executable, "-c", _SETTLE, (folder / "files").read_text(), offsets]


SUBJECT: Final = Subject(
    title="event files settled",
    unit="files",
    base=730,
    make=make,
    steps=(
        Step("offsets in the records", command=settle("carried")),
        Step("offsets computed", command=settle("computed")),
    ),
)
