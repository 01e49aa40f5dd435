"""The memory that a worker needs for a line without an end, measured in a separate process."""

import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

TEXT_MB, MOST_MB = 240, 120
RECORDS = 2_000_000

MEASURE = """
import resource, sys
from lakewright.errors import ObjectRefusedError
from lakewright.kafka.copies import TextTask, read_texts
from lakewright.kafka.files import FlattenTask, flatten_objects
from lakewright.kafka.rules import EventRules
from lakewright.kafka.sink import EventObject
from lakewright.storage.uris import open_in_place
from lakewright.json.scrub import scrub_object
from lakewright.json.scrub_rules import ScrubRules
from lakewright.parquet.place import TablePlace
from transforms.events.sink_names import read_sink_name

lake, what, path, size = *sys.argv[1:4], int(sys.argv[4])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
event_object = EventObject(path, size, read_sink_name(path, "+"), "year=2026/month=08/day=01", "")
if what == "flatten":
    place = TablePlace("staging/", "table/", "1-", "snappy")
    (report,) = flatten_objects(FlattenTask(lake, lake, [event_object], (), EventRules({}), place, place)).reports
    problem = report.damage
elif what == "compare":
    (text,) = read_texts(TextTask(lake, [event_object], EventRules({}).max_record_bytes, "lines"))
    problem = text.digest.decode() or "line 2 is longer than 16777216 bytes"
else:
    try:
        scrub_object(open_in_place(lake), path, ScrubRules(("email",), records="lines" if what == "scrub" else what))
    except ObjectRefusedError as error:
        problem = str(error)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown >> 10, problem)
"""


@pytest.mark.parametrize("end", [".json", ".json.gz"])
@pytest.mark.parametrize("what", ["flatten", "compare", "scrub"])
def test_a_line_without_an_end_needs_bounded_memory(tmp_path: Path, what: str, end: str) -> None:
    file = tmp_path / f"t/t+0+0000000000{end}"
    file.parent.mkdir()
    with file.open("wb") as out:
        if end == ".json":
            out.write(b'{"a":1}\n')
            out.truncate(TEXT_MB << 20)
        else:
            packer = zlib.compressobj(9, wbits=31)
            out.write(packer.compress(b'{"a":1}\n'))
            for _ in range(TEXT_MB):
                out.write(packer.compress(bytes(1 << 20)))
            out.write(packer.flush())
    grown, problem = measure(tmp_path, what, file)
    assert "line 2 is longer than 16777216 bytes" in problem
    assert grown < MOST_MB


@pytest.mark.parametrize("records", ["concatenated", "array"])
def test_many_records_without_line_ends_need_bounded_memory(tmp_path: Path, records: str) -> None:
    file = tmp_path / f"t/t+0+0000000000.{records}"
    file.parent.mkdir()
    begin, comma = (b"[", b",") if records == "array" else (b"", b"")
    some = (b'{"email": "x", "a": [{"b": 1}]}' + comma) * 40_000
    with file.open("wb") as out:
        out.write(begin)
        for _ in range(RECORDS // 40_000):
            out.write(some)
        out.write(b'{"a": "')
        out.truncate(TEXT_MB << 20)
    grown, problem = measure(tmp_path, records, file)
    offset = len(begin) + RECORDS // 40_000 * len(some)
    assert f"at offset {offset}: the record is longer than 16777216 bytes" in problem
    assert grown < MOST_MB


def measure(lake: Path, what: str, file: Path) -> tuple[int, str]:
    arguments = [str(lake), what, file.relative_to(lake).as_posix(), str(file.stat().st_size)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    grown, _, problem = done.stdout.partition(" ")
    return int(grown), problem
