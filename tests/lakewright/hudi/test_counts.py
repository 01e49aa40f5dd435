"""Comparison of Hudi's counts with the rows passed to it; the figures are those of Hudi 1.0.2."""

import pytest

from lakewright.hudi.counts import PassedRows
from lakewright.hudi.timeline import Commit


def commit(inserted: int, updated: int, deleted: int) -> Commit:
    return Commit("20260801", "commit", {}, inserted, updated, deleted, files=1, bytes=1)


CHANGES = PassedRows(upserts=3, deletes=2)
MOVES = PassedRows(upserts=3, deletes=1, hudi_moves=True)


@pytest.mark.parametrize(
    ("passed", "counts"),
    [
        pytest.param(PassedRows(upserts=10, is_load=True), (10, 0, 0), id="load"),
        pytest.param(CHANGES, (1, 2, 2), id="deletes-of-known-keys"),
        pytest.param(CHANGES, (2, 2, 2), id="a-delete-of-an-unknown-key-also-counts-as-insert"),
        pytest.param(CHANGES, (5, 0, 2), id="all-keys-unknown"),
        pytest.param(PassedRows(upserts=0), (0, 0, 0), id="nothing"),
        pytest.param(MOVES, (2, 1, 2), id="hudi-moves-a-key"),
    ],
)
def test_correct_counts(passed: PassedRows, counts: tuple[int, int, int]) -> None:
    assert passed.problem_with(commit(*counts)) == ""
    assert PassedRows.load(passed.dump()) == passed


@pytest.mark.parametrize(
    ("passed", "counts"),
    [
        pytest.param(PassedRows(upserts=10, is_load=True), (9, 0, 0), id="load-lacks-a-row"),
        pytest.param(PassedRows(upserts=10, is_load=True), (10, 1, 0), id="load-updates"),
        pytest.param(PassedRows(upserts=0, deletes=1), (0, 0, 128), id="keys-collapse-deletes"),
        pytest.param(PassedRows(upserts=1), (0, 128, 0), id="keys-collapse-updates"),
        pytest.param(CHANGES, (1, 1, 2), id="an-upsert-is-lost"),
        pytest.param(CHANGES, (1, 2, 1), id="a-delete-is-lost"),
        pytest.param(CHANGES, (4, 2, 2), id="more-inserts-than-deletes-explain"),
        pytest.param(MOVES, (2, 1, 5), id="more-deletes-than-moves-explain"),
    ],
)
def test_wrong_counts(passed: PassedRows, counts: tuple[int, int, int]) -> None:
    inserted, updated, deleted = counts
    problem = passed.problem_with(commit(*counts))
    assert problem == (
        f"{passed.upserts} rows to write and {passed.deletes} to delete were passed to Hudi, which counts {inserted} "
        f"inserted, {updated} updated and {deleted} deleted"
    )


@pytest.mark.parametrize(
    ("passed", "counts", "unknown"),
    [
        pytest.param(PassedRows(upserts=3, updates=2), (1, 2, 0), 0, id="all-found"),
        pytest.param(PassedRows(upserts=3, updates=2), (2, 1, 0), 1, id="one-not-found"),
        pytest.param(PassedRows(upserts=3, updates=2, deletes=1, moved=1), (2, 1, 1), 0, id="one-moved"),
        pytest.param(PassedRows(upserts=3, updates=2, hudi_moves=True), (2, 1, 1), 0, id="one-moved-by-hudi"),
        pytest.param(PassedRows(upserts=2, updates=2, is_load=True), (2, 0, 0), 2, id="no-table-yet"),
    ],
)
def test_updates_of_unknown_keys(passed: PassedRows, counts: tuple[int, int, int], unknown: int) -> None:
    assert passed.updates_of_unknown_keys(commit(*counts)) == unknown
