"""Rows are written by partition, in order, however they are added."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.partition_writer import PartitionWriter

BLOCKS = st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=8)


class Writer(PartitionWriter[tuple[str, list[int]]]):
    """Keeps what it writes."""

    def __init__(self, buffer_bytes: int = 1 << 30) -> None:
        super().__init__(buffer_bytes, lambda partition, rows: (partition, rows["n"].to_pylist()))

    def add_block(self, partitions: list[str], first: int, *, at_once: bool) -> None:
        rows = pa.table({"n": pa.array(range(first, first + len(partitions)), pa.int64())})
        if at_once:
            self.add_mixed(partitions, rows)
            return
        for place, partition in enumerate(partitions):
            self.add(partition, rows.slice(place, 1))

    def written(self) -> dict[str, list[int]]:
        self.flush()
        found: dict[str, list[int]] = {}
        for partition, numbers in self.files:
            found.setdefault(partition, []).extend(numbers)
        return found


def expected(blocks: list[list[str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, partition in enumerate(partition for block in blocks for partition in block):
        found.setdefault(partition, []).append(number)
    return found


@pytest.mark.parametrize("buffer_bytes", [1, 5000, 1 << 30])
@settings(deadline=None)
@given(blocks=BLOCKS, at_once=st.lists(st.booleans(), min_size=8, max_size=8), absorbed=st.integers(0, 8))
def test_the_rows_of_a_partition_keep_their_order(
    buffer_bytes: int, blocks: list[list[str]], at_once: list[bool], absorbed: int
) -> None:
    writer, other, first = Writer(buffer_bytes), Writer(buffer_bytes), 0
    for place, block in enumerate(blocks):
        (writer if place < absorbed else other).add_block(block, first, at_once=at_once[place])
        first += len(block)
    writer.flush()  # what another writer has written before comes first
    writer.absorb(other)
    assert list(writer.written().items()) == list(expected(blocks).items())


def test_mixed_rows_are_grouped_once_per_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    grouped: list[int] = []
    group = PartitionWriter._group
    monkeypatch.setattr(
        PartitionWriter, "_group", lambda self: [grouped.append(len(self._mixed)) if self._mixed else None, group(self)]
    )
    writer, days = Writer(), [f"{day}" for day in range(1000)]
    for block in range(20):
        writer.add_block(days, block * 1000, at_once=True)
    assert writer.written() == {day: [block * 1000 + int(day) for block in range(20)] for day in days}
    assert grouped == [20]


def test_arrays_of_few_values_count_with_their_overhead() -> None:
    writer = Writer(1 << 20)
    wide = pa.table({f"n{number}": [number] for number in range(100)} | {"n": [0]})
    for _ in range(11):
        writer.add("a", wide)
    assert len(writer.files) == 1  # although the values have only 9 kB
