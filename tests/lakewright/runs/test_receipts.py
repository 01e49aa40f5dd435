"""Receipts as they are stored: those of earlier versions stay readable, and the last ones can be read by number."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from lakewright.errors import ConfigError, StateError
from lakewright.runs.receipts import (
    Receipt,
    last_failure,
    read_receipt,
    recent_receipts,
    restore_receipt,
    write_receipt,
)
from lakewright.runs.receipts.versions import commit_of
from lakewright.storage.local import LocalLake

FOLDER = "state/orders/orders/"
#: A receipt as the version before the published schema wrote it.
WITHOUT_FORMAT = b"""{
  "run": "20261101T101010000000Z-0a1b2c3d", "feed": "orders", "target": "orders", "job": "csv_to_parquet",
  "verb": "run", "started": "2026-11-01T10:10:10+00:00", "execution": "", "finished": "2026-11-01T10:10:12+00:00",
  "seconds": {"lease": 0.002, "plan": 0.01, "read": 0.3}, "status": "committed", "exit_code": 0, "error": "",
  "counts": {"read": 3, "written": 2, "rejected": 1, "deleted": 0, "superseded": 0, "skipped": 0, "rekeyed": 0},
  "rules": {"id: type": 1}, "first_rejected": {"id: type": "raw/orders/a.csv, line 3: not an int"}, "skipped": {},
  "batches": [{"number": 1, "status": "committed", "reason": "", "processing_date": "2026-11-01", "config_hash": "c",
    "inputs": [{"path": "raw/orders/a.csv", "size": 30, "etag": "e", "replaces": "", "notes": {}}],
    "outputs": ["curated/orders/000001-0.parquet"], "removed": [], "quarantined": ["quarantine/orders/000001.parquet"],
    "counts": {"read": 3, "written": 2, "rejected": 1, "deleted": 0, "superseded": 0, "skipped": 0, "rekeyed": 0},
    "rules": {"id: type": 1}, "skipped": {}}],
  "corrections": [], "replayed": {}, "still_rejected": {}, "refused": {}, "ignored": {}, "extra_columns": {},
  "dropped_columns": [], "schema_changes": [], "warnings": [], "catalog": "",
  "checks": {"every row accounted for": true},
  "engine": {"name": "local", "why": "requested", "version": "Python 3.11.9"}, "versions": {"lakewright": "0.9.0"}
}"""


@pytest.fixture
def lake(tmp_path: Path) -> LocalLake:
    return LocalLake(tmp_path)


def test_a_receipt_of_an_earlier_version_is_readable(lake: LocalLake) -> None:
    lake.create(f"{FOLDER}receipts/20261101T101010000000Z-0a1b2c3d.json", WITHOUT_FORMAT)
    (receipt,) = recent_receipts(lake, FOLDER, 1)
    assert (receipt.format, receipt.process, receipt.cost, receipt.runtime.platform) == (0, "", None, "")
    assert (receipt.usage.seconds, receipt.usage.requests, receipt.counts.written) == (0.0, {}, 2)
    assert read_receipt(lake, FOLDER, None)["batches"][0]["inputs"][0]["path"] == "raw/orders/a.csv"


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param(0, [], id="none are wanted"),
        pytest.param(2, ["b", "c"], id="the last ones, oldest first"),
        pytest.param(9, ["a", "b", "c"], id="there are fewer"),
    ],
)
def test_recent_receipts(lake: LocalLake, limit: int, expected: list[str]) -> None:
    for run in "bca":
        receipt = Receipt(run=run, feed="orders", target="orders", job="csv_to_parquet", verb="run", started="")
        lake.create(f"{FOLDER}receipts/{run}.json", msgspec.json.encode(receipt))
    assert [receipt.run for receipt in recent_receipts(lake, FOLDER, limit)] == expected


def write(lake: LocalLake, run: str, verb: str) -> None:
    receipt = Receipt(run=run, feed="orders", target="orders", job=verb, verb=verb, started="", status="committed")
    lake.create(f"{FOLDER}receipts/{run}.json", msgspec.json.encode(receipt))


@pytest.mark.parametrize(
    ("verbs", "expected", "maintained_by"),
    [
        pytest.param(["run", "replay"], "1", [], id="the last run"),
        pytest.param(["run", "compact", "erasure"], "0", ["1", "2"], id="the last run that processed data"),
        pytest.param(["compact", ""], "1", [], id="one that another run wrote"),
        pytest.param(["compact", "compact"], "1", [], id="maintenance, if there is nothing else"),
    ],
)
def test_the_last_receipt(lake: LocalLake, verbs: list[str], expected: str, maintained_by: list[str]) -> None:
    for number, verb in enumerate(verbs):
        write(lake, str(number), verb)
    receipt = read_receipt(lake, FOLDER, None)
    assert (receipt["run"], [each["run"] for each in receipt["maintained_by"]]) == (expected, maintained_by)


@pytest.mark.parametrize(
    ("run", "sentence"), [(None, "no receipt yet: nothing has been run"), ("9", "no receipt of run 9")]
)
def test_a_receipt_that_does_not_exist_is_an_error(lake: LocalLake, run: str | None, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_receipt(lake, FOLDER, run)


@pytest.mark.parametrize("own_is_first", [True, False])
def test_a_run_that_goes_on_keeps_its_own_receipt(lake: LocalLake, own_is_first: bool) -> None:
    own = Receipt(run="1", feed="orders", target="orders", job="j", verb="run", started="", execution="e")
    restored = msgspec.structs.replace(own, verb="", execution="", error="the run ended without a receipt")
    written = [partial(write_receipt, receipt=own), partial(restore_receipt, receipt=restored)]
    for write in written if own_is_first else reversed(written):
        write(lake, FOLDER)
    assert read_receipt(lake, FOLDER, "1") == own.dump()


def test_a_damaged_receipt_is_named(lake: LocalLake) -> None:
    path = f"{FOLDER}receipts/9.json"
    lake.create(path, b"{")
    read: list[Callable[[], object]] = [
        lambda: read_receipt(lake, FOLDER, None),
        lambda: read_receipt(lake, FOLDER, "9"),
        lambda: recent_receipts(lake, FOLDER, 1),
        lambda: last_failure(lake, FOLDER),
    ]
    for each in read:
        with pytest.raises(StateError, match=f"{path} is not a valid receipt: .+; restore or delete it"):
            each()


COMMIT, OTHER = "5e72384" + "a" * 33, "0" * 40


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, "", id="no checkout"),
        pytest.param({".git/HEAD": COMMIT}, COMMIT, id="detached"),
        pytest.param({".git/HEAD": "ref: refs/heads/a/b\n", ".git/refs/heads/a/b": f"{COMMIT}\n"}, COMMIT, id="branch"),
        pytest.param(
            {
                ".git/HEAD": "ref: refs/heads/b",
                ".git/packed-refs": f"# pack-refs\n{OTHER} refs/heads/a/refs/heads/bb\n{COMMIT} refs/heads/b\n",
            },
            COMMIT,
            id="packed",
        ),
        pytest.param({".git/HEAD": "ref: refs/heads/b", ".git/packed-refs": ""}, "", id="no commit yet"),
        pytest.param({".git/HEAD": "ref: refs/heads/b"}, "", id="new"),
        pytest.param(
            {".git/HEAD": "ref: refs/heads/.invalid", ".git/refs/heads/.invalid": "this repository uses reftable"},
            "",
            id="another format of references",
        ),
        pytest.param(
            {
                ".git": "gitdir: main/worktrees/w\n",
                "main/worktrees/w/HEAD": "ref: refs/heads/b",
                "main/worktrees/w/commondir": "../..\n",
                "main/refs/heads/b": COMMIT,
            },
            COMMIT,
            id="worktree",
        ),
    ],
)
def test_commit_of_a_checkout(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert commit_of(tmp_path) == expected
