"""Which small files are merged: literal cases, the laws of the policy, and its cost as batches fill a partition."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.log.records import DataFile
from lakewright.parquet.place import FILE_BYTES
from lakewright.parquet.small_files import partitions_above, plan_merges
from tests.conftest import examples

MB = 1 << 20
FULL = FILE_BYTES * 3 // 4


def file(name: str, in_memory: int, partition: str = "day=01", *, size: int = 1) -> DataFile:
    return DataFile(name, "", partition, 1, size, arrow_bytes=in_memory)


def merged_sizes(sizes: Sequence[int]) -> list[list[int]]:
    """Return the sizes of the files of each merge."""
    merges = plan_merges(file(f"{number:04d}", size) for number, size in enumerate(sizes))
    return [[each.arrow_bytes for each in merge.files] for merge in merges]


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        pytest.param([], [], id="no-file"),
        pytest.param([MB], [], id="one-file-has-nothing-to-be-merged-with"),
        pytest.param([MB] * 201, [[MB] * 201], id="equal-files-become-one"),
        pytest.param([100, 110], [[100, 110]], id="nearly-equal-files-become-one"),
        pytest.param([200 * MB, MB], [], id="a-large-file-is-not-written-again-for-a-small-one"),
        pytest.param([2 * MB, MB], [[2 * MB, MB]], id="a-file-may-be-twice-as-large-as-the-smaller-ones-together"),
        pytest.param([9 * MB, MB, MB], [[MB, MB]], id="the-smaller-files-are-merged-without-it"),
        pytest.param([MB, 10 * MB, 11 * MB], [[MB, 10 * MB, 11 * MB]], id="a-small-one-goes-along-with-larger-ones"),
        pytest.param([FULL, FULL, FILE_BYTES], [], id="full-files-stay"),
        pytest.param([150 * MB] * 5, [[150 * MB] * 2] * 2, id="no-more-than-a-full-file-is-merged-into-one"),
        pytest.param([120 * MB, 120 * MB, 120 * MB], [[120 * MB] * 3], id="three-files-of-a-third"),
        pytest.param([200 * MB, 200 * MB], [], id="files-that-do-not-fit-together-stay"),
    ],
)
def test_files_are_merged_with_others_of_their_size(sizes: list[int], merged: list[list[int]]) -> None:
    assert merged_sizes(sizes) == merged


def test_files_of_unknown_size_in_memory_are_estimated() -> None:
    (merge,) = plan_merges([file("a", 0, size=MB), file("b", 0, size=MB), file("c", 0, size=FILE_BYTES // 3)])
    assert [each.path for each in merge.files] == ["a", "b"]


def test_each_partition_is_merged_by_itself_in_the_order_of_its_batches() -> None:
    files = [file("000003-c", 1, "day=02"), file("000002-b", 5), file("000001-a", 6), file("000004-d", 1, "day=02")]
    merges = [(merge.partition, [each.path for each in merge.files]) for merge in plan_merges(files)]
    assert merges == [("day=01", ["000001-a", "000002-b"]), ("day=02", ["000003-c", "000004-d"])]


@pytest.mark.parametrize(
    ("limit", "written", "due"),
    [
        pytest.param(2, ["a1", "b1"], {"day=01"}, id="above-the-limit"),
        pytest.param(3, ["a1", "b1"], set(), id="at-the-limit"),
        pytest.param(2, ["b1"], set(), id="only-partitions-of-the-batch"),
        pytest.param(2, ["gone"], set(), id="a-file-that-the-batch-itself-replaced"),
        pytest.param(2, ["c1"], set(), id="only-where-there-is-something-to-merge"),
    ],
)
def test_a_compaction_is_due_above_a_number_of_small_files(limit: int, written: list[str], due: set[str]) -> None:
    files = [*(file(f"a{n}", MB) for n in range(3)), file("a-full", FILE_BYTES), file("b1", MB, "day=02")]
    files += [file(f"c{n}", 10**n, "day=03") for n in range(4)]
    assert partitions_above({each.path: each for each in files}, written, limit) == due


SIZES = st.one_of(st.integers(1, 1000), st.integers(1, FILE_BYTES * 2))
FILES = st.lists(st.tuples(SIZES, st.sampled_from(["day=1", "day=2"])), max_size=40)


def compacted(files: Sequence[DataFile]) -> list[DataFile]:
    """Return the files of a table after a compaction."""
    merges = plan_merges(files)
    gone = {each.path for merge in merges for each in merge.files}
    after = [each for each in files if each.path not in gone]
    for number, merge in enumerate(merges):
        size = sum(each.arrow_bytes for each in merge.files)
        after.append(file(f"merged-{number}-{merge.files[0].path}", size, merge.partition))
    return after


@settings(max_examples=examples(100), deadline=None)
@given(FILES)
def test_laws_of_the_policy(sizes: list[tuple[int, str]]) -> None:
    files = [file(f"{number:04d}", size, day) for number, (size, day) in enumerate(sizes)]
    for merge in plan_merges(files):
        weights = [each.arrow_bytes for each in merge.files]
        assert len(weights) > 1
        assert sum(weights) <= FILE_BYTES
        assert max(weights) * 3 <= sum(weights) * 2  # a file grows by at least half when it is written again
        assert {each.partition for each in merge.files} == {merge.partition}
    after = compacted(files)
    assert sum(each.arrow_bytes for each in after) == sum(each.arrow_bytes for each in files)
    assert plan_merges(after) == []


def fill(batches: int, size: int, *, every: int) -> tuple[float, int]:
    """Fill a partition by batches, compacting now and then; return bytes rewritten per byte, and the files at the end."""
    files: list[DataFile] = []
    rewritten = 0
    for number in range(batches):
        files.append(file(f"{number:06d}", size))
        if (number + 1) % every == 0:
            rewritten += sum(each.arrow_bytes for merge in plan_merges(files) for each in merge.files)
            files = compacted(files)
    return rewritten / (batches * size), len(files)


@pytest.mark.parametrize("every", [1, 10, 50])
@pytest.mark.parametrize("size", [MB // 100, 3 * MB], ids=["tiny", "small"])
def test_bytes_rewritten_and_files_grow_logarithmically_with_batches(size: int, every: int) -> None:
    for batches in (200, 800, 3200):
        rewritten, files = fill(batches, size, every=every)
        full = batches * size / FULL
        assert rewritten <= 1 + math.log2(batches / every)
        assert files <= every + full + 2 + math.log2(batches)


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(st.integers(1, 60 * MB), min_size=1, max_size=100))
def test_batches_of_any_size_are_rewritten_logarithmically_often(sizes: list[int]) -> None:
    files: list[DataFile] = []
    rewritten = 0
    for number, size in enumerate(sizes):
        files.append(file(f"{number:06d}", size))
        rewritten += sum(each.arrow_bytes for merge in plan_merges(files) for each in merge.files)
        files = compacted(files)
    largest_growth = math.log(FILE_BYTES / min(sizes), 1.5)
    assert rewritten <= sum(sizes) * (1 + largest_growth)
