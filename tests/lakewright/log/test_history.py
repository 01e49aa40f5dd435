"""Incremental readers see every row once, whatever is compacted between their visits."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lakewright.log.actions.files import AddFiles, CompactFiles, RemoveFiles
from lakewright.log.history import FileRows, TableChanges, changes_since
from lakewright.log.log import FORMAT, Log
from lakewright.log.records import DataFile, MergedFile
from lakewright.log.state import Outcome, TableState
from lakewright.storage.uris import open_lake


def file(path: str, rows: int = 1) -> DataFile:
    return DataFile(path, "", "day=1", rows, 1)


def merged(path: str, *, is_sorted: bool = False, **inputs: int) -> CompactFiles:
    return CompactFiles([MergedFile(file(path, sum(inputs.values())), inputs, is_sorted)])


def changes(tmp_path: Path, since: int, *batches: list[Any]) -> TableChanges:
    log = Log(open_lake(str(tmp_path)), "state/f/t/")
    for number, actions in enumerate(batches, start=1):
        log.write_outcome(Outcome(FORMAT, number, "committed", "r", "a", actions=actions))
    return changes_since(log, since)


A, B, C = ([AddFiles([file(name, rows)])] for name, rows in (("a", 2), ("b", 3), ("c", 4)))


@pytest.mark.parametrize(
    ("since", "batches", "added", "removed", "compacted"),
    [
        pytest.param(
            2,
            [A, B, [merged("m", a=2, b=3)]],
            [],
            [],
            {"a": FileRows("m", 0, 2), "b": FileRows("m", 2, 3)},
            id="old-rows-are-not-new",
        ),
        pytest.param(0, [A, B, [merged("m", a=2, b=3)]], ["m"], [], {}, id="new-rows-are-read-from-the-merged-file"),
        pytest.param(
            1,
            [A, B, [merged("m", a=2, b=3)]],
            ["b"],
            [],
            {"a": FileRows("m", 0, 2), "b": FileRows("m", 2, 3)},
            id="of-old-and-new-rows-only-the-new-ones-are-read",
        ),
        pytest.param(
            1,
            [A, B, [merged("m", a=2, b=3)], C, [merged("n", c=4, m=5)]],
            ["b", "c"],
            [],
            {"c": FileRows("n", 0, 4), "a": FileRows("n", 4, 2), "b": FileRows("n", 6, 3)},
            id="merged-twice",
        ),
        pytest.param(
            2,
            [A, B, [merged("m", a=2, b=3, is_sorted=True)]],
            [],
            [],
            {"a": FileRows("m", None, 2), "b": FileRows("m", None, 3)},
            id="old-rows-are-not-new-if-they-are-sorted",
        ),
        pytest.param(
            1,
            [A, B, [merged("m", a=2, b=3, is_sorted=True)]],
            ["m"],
            ["a"],
            {},
            id="old-and-new-rows-sorted-together-are-a-rewrite",
        ),
        pytest.param(
            1,
            [A, B, [merged("m", a=2, b=3)], [RemoveFiles(["m"]), AddFiles([file("n")])]],
            ["n"],
            ["a"],
            {},
            id="a-merged-file-that-is-rewritten",
        ),
        pytest.param(
            3,
            [A, B, [merged("m", a=2, b=3)], [RemoveFiles(["m"]), AddFiles([file("n")])]],
            ["n"],
            ["m"],
            {},
            id="a-merged-file-that-the-reader-knows-is-rewritten",
        ),
    ],
)
def test_changes_since_a_batch_before_a_compaction(
    tmp_path: Path,
    since: int,
    batches: list[list[Any]],
    added: list[str],
    removed: list[str],
    compacted: dict[str, FileRows],
) -> None:
    found = changes(tmp_path, since, *batches)
    assert (list(found.added), found.removed, found.compacted) == (added, removed, compacted)


def test_a_compaction_replaces_files_in_the_state() -> None:
    state = TableState(files={name: file(name, rows) for name, rows in (("a", 2), ("b", 3), ("c", 4))})
    action = merged("m", a=2, b=3)
    action.apply(state)
    assert list(state.files) == ["c", "m"]
    assert action.report() == {
        "outputs": ["m"],
        "removed": ["a", "b"],
        "compacted": {"files": 2, "into": 1, "rows": 5},
    }


@dataclass
class Reader:
    """A reader that keeps the rows of each file, and gets new ones by ``changes_since``."""

    batch: int = 0
    rows: dict[str, list[int]] = field(default_factory=dict)

    def visit(self, log: Log, table: dict[str, list[int]]) -> None:
        found = changes_since(log, self.batch)
        for path in found.removed:
            del self.rows[path]
        new: dict[str, list[int]] = {}
        for path in found.added:
            place = found.compacted.get(path)
            if place is None:
                new[path] = table[path]
            else:
                assert place.start is not None
                new[path] = table[place.path][place.start : place.start + place.rows]
        held = {row for rows in self.rows.values() for row in rows}
        assert not held & {row for rows in new.values() for row in rows}, "known rows are new"
        self.rows |= new
        for path, place in found.compacted.items():
            self.rows.setdefault(place.path, []).extend(self.rows.pop(path))
        self.batch = found.until


@pytest.mark.parametrize("seed", range(12))
def test_a_reader_has_the_rows_of_the_table_after_each_visit(tmp_path: Path, seed: int) -> None:
    random, log = Random(seed), Log(open_lake(str(tmp_path)), "state/f/t/")
    table: dict[str, list[int]] = {}
    readers, rows = [Reader() for _ in range(3)], 0
    for number in range(1, 40):
        name, some = f"{number:03d}", random.sample(sorted(table), min(len(table), random.randrange(2, 4)))
        kind = random.choice(["append", "append", "compact", "compact sorted", "rewrite"])
        actions: list[Any] = []
        if kind.startswith("compact") and len(some) > 1:
            inputs = {path: len(table[path]) for path in some}
            table[name] = [row for path in some for row in table.pop(path)]
            if kind == "compact sorted":
                random.shuffle(table[name])
            actions = [CompactFiles([MergedFile(file(name, len(table[name])), inputs, kind == "compact sorted")])]
        else:
            kept = table.pop(some[0])[1:] if kind == "rewrite" and some else []
            table[name] = [*kept, *range(rows, rows + 3)]
            rows += 3
            actions = [AddFiles([file(name, len(table[name]))])]
            actions += [RemoveFiles([some[0]])] if kind == "rewrite" and some else []
        log.write_outcome(Outcome(FORMAT, number, "committed", "r", "a", actions=actions))
        for reader in readers:
            if random.random() < 0.3:
                reader.visit(log, table)
                assert {path: sorted(of_file) for path, of_file in reader.rows.items()} == {
                    path: sorted(of_file) for path, of_file in table.items()
                }
