"""An object read as a file, tested with a folder and with an S3 server."""

import io
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from lakewright.measuring.meters import current_meter, metered
from lakewright.storage import object_file
from lakewright.storage.lake import Lake
from lakewright.storage.object_file import ObjectFile
from tests.lakewright.storage.test_lake import lake  # noqa: F401 - a fixture

BODY = bytes(range(100))


@pytest.mark.parametrize("tail", [0, 1, 30, 100, 1000])
def test_it_reads_like_a_file(lake: Lake, monkeypatch: pytest.MonkeyPatch, tail: int) -> None:  # noqa: F811
    monkeypatch.setattr(object_file, "TAIL_BYTES", tail)
    lake.create("a", BODY)
    ours, theirs, chance = ObjectFile(lake, "a", len(BODY)), io.BytesIO(BODY), random.Random(tail)
    for _ in range(60):
        whence = chance.choice([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END])
        lowest = {io.SEEK_SET: 0, io.SEEK_CUR: -theirs.tell(), io.SEEK_END: -len(BODY)}[whence]
        place = chance.randint(lowest, lowest + 110)
        assert ours.seek(place, whence) == theirs.seek(place, whence)
        length = chance.choice([-1, 0, 1, 5, 50, 200])
        assert ours.read(length) == theirs.read(length)
        assert ours.tell() == theirs.tell()


def test_reads_of_other_threads_count_for_the_run_that_opened_it(
    lake: Lake,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(object_file, "TAIL_BYTES", 10)
    lake.create("a", BODY)

    class Counting:
        def read(self, *place: Any, **part: Any) -> bytes:
            current_meter().count("GetObject")
            return lake.read(*place, **part)

    with metered() as meter, ThreadPoolExecutor(1) as threads_of_a_library:
        file = ObjectFile(Counting(), "a", len(BODY))
        meter.take_requests()
        assert threads_of_a_library.submit(file.read, 20).result() == BODY[:20]
    assert meter.requests["GetObject"] >= 1


def test_an_empty_object(lake: Lake) -> None:  # noqa: F811
    lake.create("a", b"")
    assert ObjectFile(lake, "a", 0).read() == b""


def test_all_reads_are_of_one_version(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(object_file, "TAIL_BYTES", 10)
    lake.create("a", BODY)
    seen = lake.stat("a")
    assert seen is not None
    file = ObjectFile(lake, "a", seen.size, etag=seen.etag)
    assert file.read(10) == BODY[:10]
    assert lake.replace("a", BODY[::-1], etag=seen.etag)
    with pytest.raises(FileNotFoundError, match="was rewritten while it was read"):
        file.read(10)
    lake.delete("a")
    with pytest.raises(FileNotFoundError):
        file.read(10)


@pytest.mark.parametrize("pre_buffer", [True, False])
def test_pyarrow_propagates_errors(
    lake: Lake,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    pre_buffer: bool,
) -> None:
    monkeypatch.setattr(object_file, "TAIL_BYTES", 2000)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": pc.random(10_000), "b": pc.random(10_000)}), sink)
    lake.create("a", sink.getvalue().to_pybytes())
    seen = lake.stat("a")
    assert seen is not None
    file = pa.PythonFile(ObjectFile(lake, "a", seen.size, etag=seen.etag), mode="r")
    with pq.ParquetFile(file, pre_buffer=pre_buffer) as parquet:
        assert parquet.read(columns=["b"]).num_rows == 10_000
        assert lake.replace("a", b"another", etag=seen.etag)
        with pytest.raises(FileNotFoundError, match="was rewritten while it was read"):
            parquet.read(columns=["a"])
