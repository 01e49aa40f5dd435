"""Receipts: the JSON record of a run. They name objects and count rows; see ``Receipt``."""

from lakewright.runs.receipts.batches import report_batch
from lakewright.runs.receipts.folding import fold, unfolded
from lakewright.runs.receipts.receipt import FORMAT, PROCESS, Receipt, Status
from lakewright.runs.receipts.storage import (
    find_receipts,
    has_receipt,
    last_failure,
    last_receipt_of,
    read_receipt,
    recent_receipts,
    restore_receipt,
    write_receipt,
)

__all__ = [
    "FORMAT",
    "PROCESS",
    "Receipt",
    "Status",
    "find_receipts",
    "fold",
    "has_receipt",
    "last_failure",
    "last_receipt_of",
    "read_receipt",
    "recent_receipts",
    "report_batch",
    "restore_receipt",
    "unfolded",
    "write_receipt",
]
