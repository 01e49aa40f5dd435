"""Long lists leave the receipt for files beside it; readers of receipts cope with both."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from jobs.cli.screens.receipts import show_receipts
from lakewright.log.actions.files import AddFiles, RemoveFiles
from lakewright.log.actions.objects import CountPerObject
from lakewright.log.log import Append, Plan
from lakewright.log.records import Counts, DataFile, SourceObject
from lakewright.log.state import Outcome
from lakewright.runs.receipts import Receipt, fold, read_receipt, unfolded, write_receipt
from lakewright.storage.local import LocalLake
from tests.receipts import problems_with

FOLDER = "state/f/t/"


def receipt_of(objects: int) -> Receipt:
    """Return the receipt of a batch with this number of everything that may be long."""
    paths = [f"raw/{number:06d}.json" for number in range(objects)]
    outputs = [f"refined/t/day={number:06d}/new.parquet" for number in range(objects)]
    actions = [
        AddFiles([DataFile(path, "", "", 1, 10) for path in outputs]),
        RemoveFiles([path.replace("new", "old") for path in outputs]),
        CountPerObject({path: {"records": 2} for path in paths}),
    ]
    sources = [SourceObject(path, 3, "etag") for path in paths]
    receipt = Receipt(run="r", feed="f", target="t", job="j", verb="run", started="")
    counts = Counts(read=objects, written=objects)
    plan = Plan(1, 7, "r", "j", "2026-08-01", "c", sources, Append())
    receipt.add(Outcome(1, 7, "committed", "r", counts=counts, actions=actions), plan, table="refined/t/")
    receipt.refused = dict.fromkeys(paths, "reason")
    return receipt


def manifest(lake: LocalLake, folded: dict[str, Any]) -> Any:
    return json.loads(gzip.decompress(lake.read(folded["manifest"])))


def test_lists_of_a_thousand_stay(tmp_path: Path) -> None:
    receipt, lake = receipt_of(1000), LocalLake(tmp_path)
    fold(receipt, lake, FOLDER)
    write_receipt(lake, FOLDER, receipt)
    (batch,) = read_receipt(lake, FOLDER, None)["batches"]
    assert [len(batch[name]) for name in ("inputs", "outputs", "removed", "partitions", "numbers")] == [1000] * 5
    assert [path.name for path in tmp_path.glob("state/f/t/*")] == ["receipts"]
    assert unfolded(batch, "outputs", lake) == batch["outputs"]
    assert problems_with(receipt) == []


def test_longer_lists_are_folded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    receipt, lake = receipt_of(1001), LocalLake(tmp_path)
    fold(receipt, lake, FOLDER)
    write_receipt(lake, FOLDER, receipt)
    stored = read_receipt(lake, FOLDER, None)
    assert (stored, problems_with(receipt)) == (receipt.dump(), [])
    (batch,) = stored["batches"]
    assert (batch["inputs"], batch["outputs"], batch["removed"], batch["partitions"], batch["numbers"]) == (
        [],
        [],
        [],
        [],
        {},
    )
    folder = f"{FOLDER}manifests/r/"
    first, last = "raw/000000.json", "raw/001000.json"
    assert batch["folded_inputs"] == {
        "count": 1001,
        "bytes": 3003,
        "first": first,
        "last": last,
        "manifest": f"{folder}000000007.inputs.json.gz",
    }
    assert (batch["folded_numbers"]["count"], batch["folded_numbers"]["sums"]) == (1001, {"records": 2002})
    assert batch["folded_partitions"]["last"] == "day=001000"
    assert (len(stored["refused"]), stored["folded"]["refused"]["count"]) == (1000, 1001)
    assert manifest(lake, batch["folded_inputs"])[1000] == {"path": last, "size": 3, "etag": "etag"}
    assert manifest(lake, batch["folded_removed"])[0] == "refined/t/day=000000/old.parquet"
    assert manifest(lake, batch["folded_numbers"])[last] == {"records": 2}
    assert len(manifest(lake, stored["folded"]["refused"])) == 1001
    assert unfolded(batch, "outputs", lake)[1000] == "refined/t/day=001000/new.parquet"
    show_receipts([stored])
    shown = capsys.readouterr().out
    assert f"objects in  1001 objects, 3.0 kB; all are in {folder}000000007.inputs.json.gz" in shown
    assert "numbers     records 2002" in shown


def test_the_size_of_a_receipt_does_not_grow_with_the_objects(tmp_path: Path) -> None:
    sizes = []
    for objects in (2_000, 20_000):
        receipt = receipt_of(objects)
        fold(receipt, LocalLake(tmp_path / str(objects)), FOLDER)
        sizes.append(len(receipt.json()))
    assert sizes[1] < sizes[0] + 100
