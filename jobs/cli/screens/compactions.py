"""The text of ``compact``."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.cli.layout import print_record
from jobs.cli.screens.words import some
from lakewright.runs.progress import count_of, readable_bytes


def show_compactions(targets: Sequence[Mapping[str, Any]]) -> None:
    """Print compactions."""
    for target in targets:
        if target["error"]:
            continue
        title = f"compaction of {target['feed']} → {target['target']}"
        if "dry_run" in target:
            rows = {_merged_by(done): _merged(done) for done in target["compactions"]}
            print_record(title, rows or {"small files": "none to merge, nothing to do"})
            continue
        rows = {
            f"instant {done['instant']}": f"{count_of(done['log_files'], 'log file')} merged into "
            f"{count_of(done['base_files'], 'base file')} of {count_of(done['rows'], 'row')}\n"
            + some([path or "the whole table" for path in done["partitions"]])
            for done in target["compactions"]
        }
        print_record(title, rows or {"log files": "none, nothing to do"})


def _merged_by(done: Mapping[str, Any]) -> str:
    return f"batch {done['batch']}" if "batch" in done else "would merge"


def _merged(done: Mapping[str, Any]) -> str:
    """Describe a compaction of a Parquet table, or what one would do."""
    size = f", {readable_bytes(done['bytes'])}" if "bytes" in done else ""
    into = f"{'merged ' if 'batch' in done else ''}into {count_of(done['into'], 'file')}"
    return f"{count_of(done['files'], 'small file')} {into} of {count_of(done['rows'], 'row')}{size}\n" + some(
        [path or "the whole table" for path in done["partitions"]]
    )
