"""The notice about a failed execution, from the receipt of its last run; values only if receipts have them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from lakewright.runs.receipts import Receipt, last_receipt_of
from lakewright.storage.uris import open_lake
from lakewright.unexpected import cause_of
from transforms.object_names import one_line

#: SNS: fewer than 100 ASCII characters without line breaks.
_LONGEST_SUBJECT: Final = 99
#: Long enough for every sentence of ours; a message may have 256 KB.
_LONGEST_SENTENCE: Final = 2000
_OBJECTS_SHOWN: Final = 3
#: Errors that the last run's receipt explains. Any other is of another step, or of a run that wrote no receipt, and the
#: receipt may be of an earlier run.
_EXPLAINED_BY_RECEIPT: Final = ("NotLoaded", "JobFailed", "TargetHeld", "States.TaskFailed")


def notice(state: Mapping[str, Any]) -> dict[str, str]:
    """Write the notice for the state of a failed execution; it may be incomplete, since that may be what failed."""
    feed, execution = _text(state.get("feed")) or "unknown", _text(state.get("execution"))
    day = "-".join(filter(None, (_text(state.get(key)) for key in ("year", "month", "day"))))
    subject = f"feed {feed}{f', {day}' if day else ''}"
    receipt, problem = _receipt(state)
    error, failure = _failure_of_step(state)
    lines = [f"Execution {execution or '(unnamed)'} of {subject} has failed."]
    if receipt is None:
        what = "failed without a receipt"
        lines += [failure, problem or "No run of this execution has written a receipt."]
    elif receipt.exit_code and error in _EXPLAINED_BY_RECEIPT:
        what = f"{receipt.status}, exit code {receipt.exit_code}"
        lines += [f"{receipt.target}: {receipt.error}", *_details(receipt, _text(state.get("lake")))]
    else:
        what = f"failed with {error}" if receipt.exit_code else "failed after the job"
        ended = f"The last run of the job ended as {receipt.status}{': ' if receipt.error else '.'}{receipt.error}"
        lines += [failure, ended, *_details(receipt, _text(state.get("lake")))]
    lines += _objects(state)
    return {
        "subject": _as_subject(f"lakewright: {subject}: {what}"),
        "message": "\n".join(one_line(line)[:_LONGEST_SENTENCE] for line in lines if line),
    }


def _receipt(state: Mapping[str, Any]) -> tuple[Receipt | None, str]:
    """Find the receipt of the execution's last run; otherwise say why it could not be read."""
    feed, lake, execution = (_text(state.get(key)) for key in ("feed", "lake", "execution"))
    if not (feed and lake and execution):
        return None, ""
    try:
        since = datetime.fromisoformat(_text(state.get("event_time"))) if state.get("event_time") else None
        return last_receipt_of(open_lake(lake), feed, execution, since=since), ""
    except Exception as error:  # noqa: BLE001 - a notice without receipt is better than none
        return None, f"The receipt could not be read: {cause_of(error)}"


def _details(receipt: Receipt, lake: str) -> list[str]:
    counts = receipt.counts
    rules = ", ".join(f"{rule} ({count})" for rule, count in receipt.rules.items())
    batches = [
        f"Batch {batch['number']}: {batch['status']}{', ' if batch['reason'] else ''}{batch['reason']}"
        for batch in receipt.batches
    ]
    names = ("written", "deleted", "superseded", "rejected", "skipped", "withheld")
    rows = {name: getattr(counts, name) for name in names}
    details = ", ".join(f"{count} {name}" for name, count in rows.items() if count)
    return [
        *batches,
        f"Rows: {counts.read} read{f', {details}' if details else ''}",
        f"Rules: {rules}" if rules else "",
        f"Receipt: {lake.rstrip('/')}/state/{receipt.feed}/{receipt.target}/receipts/{receipt.run}.json",
    ]


def _failure_of_step(state: Mapping[str, Any]) -> tuple[str, str]:
    """Return the error's name, and a line about it, with the message of Glue's report, but not the arguments."""
    error = state.get("error")
    if not isinstance(error, Mapping):
        return "unknown error", "The state machine gave no error."
    name, cause = _text(error.get("Error")) or "unknown error", _text(error.get("Cause"))
    try:
        report = json.loads(cause)
    except ValueError:
        report = cause.split("\n", maxsplit=1)[0]
    if isinstance(report, Mapping):
        kind = _text(report.get("errorType") or report.get("JobRunState"))
        report = ": ".join(filter(None, (kind, _text(report.get("errorMessage") or report.get("ErrorMessage")))))
    return name, f"{name}: {_text(report)}".removesuffix(": ")


def _objects(state: Mapping[str, Any]) -> list[str]:
    objects = state.get("objects")
    keys = (
        [_text(each.get("key")) for each in objects if isinstance(each, Mapping)] if isinstance(objects, list) else []
    )
    more = len(keys) - _OBJECTS_SHOWN
    return [f"Object: {key}" for key in keys[:_OBJECTS_SHOWN]] + ([f"and {more} more objects"] if more > 0 else [])


def _as_subject(text: str) -> str:
    ascii_text = one_line(text).encode("ascii", "replace").decode()
    return ascii_text if len(ascii_text) <= _LONGEST_SUBJECT else f"{ascii_text[: _LONGEST_SUBJECT - 3]}..."


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
