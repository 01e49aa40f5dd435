"""How the cost of settling grows with files that do not overlap: nothing has to be read, only compared.

Half of the files are new, half are in the table. ``python -m bench.growth.settled_files [--code CHECKOUT]``
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FILES: Final = (1_460, 2_920, 5_840, 11_680)

#: Runs on the code of a checkout.
SETTLE: Final = """
import sys, time
from dataclasses import replace
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
new = [
    NewFile(file(number), (0, number // 100), frozenset(), meets=False, is_complete=True)
    for number in range(files // 2, files)
]
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


def main() -> None:
    """Print the CPU seconds for each number of files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--code", type=Path, default=ROOT)
    code = parser.parse_args().code
    for offsets in ("carried", "computed"):
        for files in FILES:
            command = [sys.executable, "-c", SETTLE, str(files), offsets]
            done = subprocess.run(command, cwd=code, check=True, capture_output=True, text=True)
            print(json.dumps({"offsets": offsets, "files": files, "cpu_seconds": round(float(done.stdout), 3)}))


if __name__ == "__main__":
    main()
