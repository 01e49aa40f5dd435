"""Receipts in the lake: written by their run, or restored by the next; read by run, by execution, or from the end."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Any, Final

import msgspec

from lakewright.concurrency import ThreadPool
from lakewright.errors import DamagedReceiptError, NoReceiptError
from lakewright.runs.receipts.receipt import MaintenanceReport, Receipt
from lakewright.storage.lake import Lake

_READ_AT_ONCE: Final = 16
#: Built on import; see ``lakewright.log.entries``.
_DECODER: Final = msgspec.json.Decoder(Receipt)
#: The number of receipts among which the last one of a run that processed data is sought.
_LOOKED_BACK: Final = 100


def write_receipt(lake: Lake, folder: str, receipt: Receipt) -> None:
    """Write the receipt of this run; it replaces the one that another run may have restored meanwhile."""
    path, body = _path(folder, receipt.run), _text_of(receipt)
    if not lake.create(path, body) and (restored := lake.stat(path)) is not None:
        lake.replace(path, body, etag=restored.etag)


def restore_receipt(lake: Lake, folder: str, receipt: Receipt) -> None:
    """Write the receipt of a run that seems to have ended without one; its own, which says more, stays."""
    lake.create(_path(folder, receipt.run), _text_of(receipt))


def has_receipt(lake: Lake, folder: str, run: str) -> bool:
    """Return whether a run has written its receipt."""
    return lake.stat(_path(folder, run)) is not None


def read_receipt(lake: Lake, folder: str, run: str | None) -> dict[str, Any]:
    """Read the receipt of a run, or of the last one that processed data, with the runs that maintained the table since.

    Raises:
        NoReceiptError: If there is none.
        DamagedReceiptError: If it cannot be read.
    """
    if run:
        try:
            return _read(lake, _path(folder, run)).dump()
        except FileNotFoundError:
            raise NoReceiptError(f"no receipt of run {run}") from None
    maintenance: list[Receipt] = []
    last = None
    for path in reversed([entry.path for entry in lake.list(f"{folder}receipts/")][-_LOOKED_BACK:]):
        last = _read(lake, path)
        if not last.is_of_maintenance:
            break
        maintenance.insert(0, last)
    if last is None:
        raise NoReceiptError("no receipt yet: nothing has been run")
    if last.is_of_maintenance:
        return maintenance[-1].dump()
    last.maintained_by = [
        MaintenanceReport(run=each.run, job=each.job, status=each.status, exit_code=each.exit_code)
        for each in maintenance
    ]
    return last.dump()


def read_receipts(
    lake: Lake, folders: Mapping[str, str], run: str | None
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Read the receipts of several targets as ``read_receipt`` does, and why those without one have none, by target.

    Raises:
        NoReceiptError: If no target has one.
        DamagedReceiptError: If one cannot be read.
    """
    receipts: dict[str, dict[str, Any]] = {}
    missing: dict[str, str] = {}
    for target, folder in folders.items():
        try:
            receipts[target] = read_receipt(lake, folder, run)
        except NoReceiptError as error:
            missing[target] = str(error)
    if missing and not receipts:
        raise NoReceiptError(next(iter(missing.values())))
    return receipts, missing


def last_failure(lake: Lake, folder: str) -> Receipt | None:
    """Return the last receipt if that run failed."""
    paths = [entry.path for entry in lake.list(f"{folder}receipts/")][-1:]
    receipt = _read(lake, paths[0]) if paths else None
    return receipt if receipt is not None and receipt.exit_code else None


def recent_receipts(lake: Lake, folder: str, limit: int, *, skips_damaged: bool = False) -> list[Receipt]:
    """Return the receipts of a target's last runs, at most ``limit`` of them, oldest first."""
    paths = deque((entry.path for entry in lake.list(f"{folder}receipts/")), maxlen=limit)
    read = _read_valid if skips_damaged else _read
    with ThreadPool(_READ_AT_ONCE) as pool:
        return [receipt for receipt in pool.map(partial(read, lake), paths) if receipt is not None]


def find_receipts(lake: Lake, feed: str, execution: str, *, since: datetime | None = None) -> list[Receipt]:
    """Return the receipts of the runs that an execution started, of all targets, in order.

    Args:
        lake: The lake of the feed.
        feed: Name of the feed.
        execution: The execution, as the runs got it (``--execution``).
        since: A time before these runs; only the receipts of that day and later ones are read.
    """
    first = f"{since.astimezone(UTC):%Y%m%d}" if since else ""
    folders = [f"state/{feed}/{target}/receipts/" for target in lake.folders(f"state/{feed}/")]
    paths = [entry.path for folder in folders for entry in lake.list(folder, after=f"{folder}{first}" if first else "")]
    with ThreadPool(_READ_AT_ONCE) as pool:
        receipts = [receipt for receipt in pool.map(partial(_read, lake), paths) if receipt.execution == execution]
    return sorted(receipts, key=attrgetter("run"))


def last_receipt_of(lake: Lake, feed: str, execution: str, *, since: datetime | None = None) -> Receipt | None:
    """Return the receipt of an execution's last run; of several targets, the one with the worst exit code."""
    last = {receipt.target: receipt for receipt in find_receipts(lake, feed, execution, since=since)}
    return max(last.values(), key=attrgetter("exit_code"), default=None)


def _text_of(receipt: Receipt) -> bytes:
    return msgspec.json.format(msgspec.json.encode(receipt), indent=2)


def _read(lake: Lake, path: str) -> Receipt:
    try:
        return _DECODER.decode(lake.read(path))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedReceiptError(path, error) from error


def _read_valid(lake: Lake, path: str) -> Receipt | None:
    try:
        return _read(lake, path)
    except DamagedReceiptError:
        return None


def _path(folder: str, run: str) -> str:
    return f"{folder}receipts/{run}.json"
