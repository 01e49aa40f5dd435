"""The status of a run in words, and what to do about it."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from lakewright.pages.flow import OUTCOMES

Tone = Literal["good", "quiet", "warn", "bad"]

_WORDS: Final[Mapping[str, tuple[str, Tone]]] = {
    "committed": ("Committed", "good"),
    "nothing_new": ("Nothing new", "quiet"),
    "refused": ("Refused", "bad"),
    "failed": ("Failed", "bad"),
    "overtaken": ("Overtaken by another run", "warn"),
    "running": ("Not finished", "warn"),
}
_NO_COMMIT: Final = {
    "nothing_new": "Nothing new was at the source, and the table stayed as it was.",
    "refused": "The data was refused, and nothing was published.",
    "failed": "The run failed before it committed anything.",
    "overtaken": "Another run has this target, or has finished this run's batch.",
    "running": "The run had not ended when this receipt was written.",
}
_INTERRUPTED: Final = 130
_ADVICE: Final = {
    1: "Run it again, with --verbose to see where it fails: the run continues the open batch or repeats it, and "
    "applies nothing twice.",
    2: "Correct what the message names, then run it again; this checks feeds without reading data:",
    3: "Correct the data at its source, or the rule that refused it, then run it again; this shows rejected rows and "
    "the reasons:",
    4: "Nothing is lost. Run it again when the other run has ended, to read what has arrived since.",
    5: "Make sure that the source or service named above can be reached and allows access, then run it again: the run "
    "continues the open batch or repeats it, and applies nothing twice.",
    _INTERRUPTED: "Run it again: the run continues the open batch or repeats it, and applies nothing twice.",
}
_COMMANDS: Final = {2: "check", 3: "quarantine"}


@dataclass(frozen=True)
class RunStatus:
    """The status of a run, for `status` in ``macros.html``."""

    word: str
    tone: Tone


def status_of(status: str, exit_code: int) -> RunStatus:
    """Put a status into words; a run can commit and fail afterwards."""
    word, tone = _WORDS.get(status, (status, "warn"))
    if exit_code and tone in ("good", "quiet"):
        return RunStatus(f"{word}, with an error", "warn")
    return RunStatus(word, tone)


def summary(receipt: Mapping[str, Any]) -> str:
    """Say in a sentence or two what a run did with the rows."""
    before = _NO_COMMIT.get(receipt["status"], "")
    return f"{before} {_rows(receipt['counts'])}".strip()


def advice(receipt: Mapping[str, Any]) -> tuple[str, str]:
    """Return what to do after a run, and a command that helps; either may be empty."""
    code, feed = receipt["exit_code"], shlex.quote(receipt["feed"])
    if code:
        words = _ADVICE.get(code, _ADVICE[1])
        return words, f"lakewright {_COMMANDS[code]} {feed}" if code in _COMMANDS else ""
    if receipt["counts"]["rejected"]:
        return (
            "Rejected rows are kept in quarantine; this shows them with the reasons:",
            f"lakewright quarantine {feed}",
        )
    return "", ""


def _rows(counts: Mapping[str, int]) -> str:
    read = counts["read"]
    if not read:
        return ""
    parts = [f"{counts[name]:,} {_were(counts[name])} {name}" for name in OUTCOMES if counts.get(name)]
    if not parts:
        return f"{read:,} {'row was' if read == 1 else 'rows were'} read."
    last = parts.pop()
    sentence = f"{', '.join(parts)} and {last}" if parts else last
    return f"Of {read:,} {'row' if read == 1 else 'rows'} read, {sentence}."


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
