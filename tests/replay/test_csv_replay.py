"""Replay of rows rejected from CSV objects, through the command line."""

import csv
from pathlib import Path

import pytest

from tests.conftest import Bench

DIRTY = 'id,name\n1,a\nx,b\n3,c\n"y","d, e"\n'


def edit(bench: Bench, changes: dict[str, dict[str, str | None]], name: str = "fixed.csv") -> Path:
    """Write the quarantined rows whose id is named in ``changes``, changed."""
    path = bench.root / name
    rows = bench.quarantine()
    fields = list(dict.fromkeys(key for row in rows for key in row["fields"] or {}))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["object", "etag", "position", "reasons", *fields])
        for row in rows:
            if row["fields"]["id"] in changes:
                values = row["fields"] | changes[row["fields"]["id"]]
                writer.writerow([row["object"], row["etag"], row["position"], "", *(values[key] for key in fields)])
    return path


@pytest.mark.parametrize("fill", ["rebuild", "append"])
def test_edited_rows_are_merged_as_if_they_had_been_right(bench: Bench, fill: str) -> None:
    bench.feed(target__fill=fill)
    bench.put("a.csv", DIRTY)
    first = bench.run()
    assert first["counts"]["rejected"] == 2
    done = bench.run("--csv", str(edit(bench, {"x": {"id": "2"}})), verb="replay")
    assert done["exit_code"] == 0, done
    assert done["replayed"] == {"corrected": 1}
    assert bench.rows() == [(1, "a"), (2, "b"), (3, "c")]
    assert [row["text"] for row in bench.quarantine()] == ['"y","d, e"']
    again = bench.run(verb="replay")
    assert again["replayed"] == {"still_rejected": 1}
    bench.run(verb="rebuild")
    assert bench.rows() == [(1, "a"), (2, "b"), (3, "c")]
    assert [row["text"] for row in bench.quarantine()] == ['"y","d, e"']
