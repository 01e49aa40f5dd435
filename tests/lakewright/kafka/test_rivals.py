"""Which files may contain the same records, compared with the definition: every pair of files."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.kafka.batches import NewFile
from lakewright.kafka.rivals import FileRivals, find_rivals
from lakewright.log.records import DataFile

FIRST_DAY = date(2026, 2, 27)


def partition(day: int) -> str:
    return f"{FIRST_DAY + timedelta(days=day):year=%Y/month=%m/day=%d}"


def defined_rivals(
    existing: Sequence[DataFile], new: Sequence[NewFile], *, is_carried: bool, dedupe_days: int
) -> list[FileRivals]:
    """Apply the definition to every pair."""

    def day(file: DataFile) -> date:
        return date.fromisoformat(file.partition.replace("/month=", "-").replace("/day=", "-")[5:])

    def share(some: DataFile, other: DataFile) -> bool:
        overlap = any(
            set(range(some.offsets[stream][0], some.offsets[stream][1] + 1))
            & set(range(other.offsets[stream][0], other.offsets[stream][1] + 1))
            for stream in some.offsets.keys() & other.offsets.keys()
        )
        folders = [{path.rsplit("+", 1)[0] for path in file.objects} for file in (some, other)]
        return overlap and (is_carried or bool(folders[0] & folders[1]))

    def near(some: DataFile, other: DataFile) -> bool:
        return not is_carried or abs(day(some) - day(other)).days <= dedupe_days

    return [
        FileRivals(
            existing={at for at, file in enumerate(existing) if near(file, each.file) and share(file, each.file)},
            earlier={
                at
                for at, other in enumerate(new[:place])
                if (other.origin != each.origin or each.may_repeat or other.may_repeat) and share(other.file, each.file)
            },
        )
        for place, each in enumerate(new)
    ]


OFFSETS = st.dictionaries(
    st.sampled_from(["t/0", "t/1"]),
    st.tuples(st.integers(0, 12), st.integers(0, 4)).map(lambda range_: (range_[0], sum(range_))),
    min_size=1,
)
OBJECTS = st.lists(st.sampled_from([f"raw/t/{folder}/t+0+{start}.json" for folder in "ab" for start in (0, 5)]))
FILES = st.builds(
    lambda day, offsets, objects: DataFile("p", "s", partition(day), 1, 1, objects=objects, offsets=offsets),
    st.integers(0, 4),
    OFFSETS,
    OBJECTS,
)


@settings(max_examples=300)
@given(
    existing=st.lists(FILES, max_size=8),
    new=st.lists(st.tuples(FILES, st.integers(0, 2), st.booleans()), max_size=8),
    is_carried=st.booleans(),
    dedupe_days=st.sampled_from([0, 1, 2, 400]),
)
def test_the_rivals_are_those_of_the_definition(
    existing: list[DataFile],
    new: list[tuple[DataFile, int, bool]],
    is_carried: bool,
    dedupe_days: int,
) -> None:
    new_files = [
        NewFile(file, (0, task), frozenset(), may_repeat=may_repeat, is_complete=True) for file, task, may_repeat in new
    ]
    found = find_rivals(existing, new_files, is_carried=is_carried, dedupe_days=dedupe_days)
    assert found == defined_rivals(existing, new_files, is_carried=is_carried, dedupe_days=dedupe_days)


class CountedOffset(int):
    """An offset that counts how often it is compared."""

    comparisons = 0

    def __lt__(self, other: Any) -> bool:
        CountedOffset.comparisons += 1
        return int(self) < int(other)

    def __le__(self, other: Any) -> bool:
        CountedOffset.comparisons += 1
        return int(self) <= int(other)

    def __gt__(self, other: Any) -> bool:
        CountedOffset.comparisons += 1
        return int(self) > int(other)

    def __ge__(self, other: Any) -> bool:
        CountedOffset.comparisons += 1
        return int(self) >= int(other)

    __hash__ = int.__hash__


def comparisons(files: int, *, is_carried: bool, is_one_day: bool, streams: int = 1) -> int:
    """Count the comparisons for as many new files as there are in the table, none of which overlap."""

    def file(number: int, start: int) -> DataFile:
        offsets = {f"t/{stream}": (CountedOffset(start), CountedOffset(start)) for stream in range(streams)}
        day = 0 if is_one_day else number // 10
        return DataFile("p", "s", partition(day), 1, 1, objects=[f"raw/t/{day}/t+0+{start}.json"], offsets=offsets)

    existing = [file(number, 2 * number) for number in range(files)]
    new = [
        NewFile(file(number, 2 * number + 1), (0, number), frozenset(), may_repeat=False, is_complete=True)
        for number in range(files)
    ]
    CountedOffset.comparisons = 0
    found = find_rivals(existing, new, is_carried=is_carried, dedupe_days=7)
    assert not any(each.existing or each.earlier for each in found)
    return CountedOffset.comparisons


@pytest.mark.parametrize("is_carried", [True, False], ids=["carried", "computed"])
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param({"is_one_day": True}, id="one-day"),
        pytest.param({"is_one_day": False}, id="ten-files-a-day"),
        pytest.param({"is_one_day": False, "streams": 4}, id="several-partitions"),
    ],
)
def test_comparisons_grow_as_the_number_of_files(shape: dict[str, Any], *, is_carried: bool) -> None:
    few, many = (comparisons(files, is_carried=is_carried, **shape) for files in (300, 2400))
    assert many < 8 * 2 * few
    assert many < 2 * 2400 * shape.get("streams", 1) * 20


def test_one_repeated_record_makes_no_rivals_of_all_files_of_its_task() -> None:
    files = [DataFile("p", "s", partition(day), 10, 1, offsets={"t/0": (day, 5000 + day)}) for day in range(1000)]
    new = [
        NewFile(file, (0, 0), frozenset(), may_repeat=place == 500, is_complete=True)
        for place, file in enumerate(files)
    ]
    found = find_rivals([], new, is_carried=True, dedupe_days=0)
    assert sum(len(each.earlier) for each in found) == 999
