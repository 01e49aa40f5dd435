import pytest

from lakewright.hudi.tombstones import MOST_FILES, days_with, files_to_merge, is_expired
from lakewright.log.records import DataFile


def file(name: str, rows: int, days: tuple[str, str] | None = None) -> DataFile:
    return DataFile(path=name, staged="", partition="", rows=rows, size=rows, first_seen=days)


@pytest.mark.parametrize(
    ("sizes", "rows", "merged"),
    [
        pytest.param([1] * (MOST_FILES - 1), 1, 0, id="few files are left alone"),
        pytest.param([1] * MOST_FILES, 1, MOST_FILES, id="small files are merged"),
        pytest.param([1] * (MOST_FILES - 1) + [1000], 1, MOST_FILES - 1, id="a large file is left alone"),
        pytest.param([1] * (MOST_FILES - 1) + [60], 1, MOST_FILES, id="a file of twice the size of all others is not"),
        pytest.param([1] + [100] * (MOST_FILES - 1), 1, MOST_FILES, id="a gap between sizes does not end the choice"),
        pytest.param([1000] * MOST_FILES, 1, MOST_FILES, id="at least one file is merged, so that files stay few"),
        pytest.param(
            [3 * 4**n for n in range(MOST_FILES)], 1, 1, id="no more than one, if each is larger than all others"
        ),
    ],
)
def test_files_to_merge(sizes: list[int], rows: int, merged: int) -> None:
    files = [file(f"{number}", size) for number, size in enumerate(sizes)]
    assert len(files_to_merge(files, rows)) == merged


def test_a_tombstone_is_rewritten_a_few_times_however_many_batches_follow() -> None:
    files: dict[str, DataFile] = {}
    rewritten, batches = 0, 5000
    for number in range(batches):
        merged = [files.pop(path) for path in files_to_merge(files.values(), 10)]
        earlier = sum(each.rows for each in merged)
        rewritten += earlier
        files[str(number)] = file(str(number), 10 + earlier)
        assert len(files) <= MOST_FILES
    assert sum(each.rows for each in files.values()) == 10 * batches
    assert rewritten < 6 * 10 * batches


@pytest.mark.parametrize(
    ("days", "expired"),
    [
        pytest.param(("2026-08-01", "2026-08-03"), True, id="all are older"),
        pytest.param(("2026-08-01", "2026-08-04"), False, id="the latest are of the first day"),
        pytest.param(None, False, id="a file of an earlier release does not say"),
    ],
)
def test_expired_files(days: tuple[str, str] | None, expired: bool) -> None:
    assert is_expired(file("a", 1, days), "2026-08-04") is expired


@pytest.mark.parametrize(
    ("last_days", "days"),
    [
        pytest.param([], ("2026-08-03", "2026-08-03"), id="without-earlier-files-it-is-today"),
        pytest.param(["2026-08-01"], ("2026-07-01", "2026-08-03"), id="merged-tombstones-may-be-of-any-day"),
        pytest.param(
            ["2026-08-05", "2026-08-01"], ("2026-07-01", "2026-08-05"), id="a-later-day-by-another-clock-stays"
        ),
    ],
)
def test_a_merged_file_expires_with_its_last_tombstone(last_days: list[str], days: tuple[str, str]) -> None:
    merged = [file(day, 1, (day, day)) for day in last_days]
    assert days_with(merged, "2026-07-01", "2026-08-03") == days
