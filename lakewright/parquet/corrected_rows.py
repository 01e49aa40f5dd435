"""Corrected rows leave quarantine with the batch that reads their correction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from lakewright.corrections.manifests import CorrectionObject
from lakewright.errors import ObjectRefusedError
from lakewright.log.actions.quarantine import REFUSED, ReplaceQuarantine
from lakewright.log.actions.union import AnyAction
from lakewright.log.log import Append
from lakewright.log.records import DataFile
from lakewright.quarantine.files import read_batches, rewrite_file
from lakewright.runs.job.batch import Batch
from lakewright.runs.job.target import Target
from lakewright.runs.progress import count_of

_KEY = ("object", "etag", "position")

RowKey = tuple[str, str, int]


@dataclass(frozen=True)
class _File:
    """A file of quarantine with corrected rows, and the place of each in it."""

    file: DataFile
    corrected: Mapping[RowKey, int]


def correct_quarantine(batch: Batch, target: Target) -> list[AnyAction]:
    """Rewrite the files of quarantine whose rows the new corrections of a batch replace, without those rows.

    Rows of objects that the batch reads again leave quarantine with the files of its scope, or of refused batches.

    Raises:
        ObjectRefusedError: If such a row is no longer in quarantine: it may be in the table.
    """
    if not isinstance(batch.plan.scope, Append):
        return []
    new = [source for source in batch.plan.objects if not batch.state.has(source.path, source.etag)]
    described = target.corrections(batch.lake).describe(new)
    again = {source.path for source in batch.plan.objects}
    corrected = {
        (each.original, each.etag, position): each
        for each in described.values()
        if each.original not in again
        for position in each.positions
    }
    found = list(_files_with(batch, corrected))
    missing = corrected.keys() - {key for each in found for key in each.corrected}
    if missing:
        raise ObjectRefusedError(_describe_missing({corrected[key].path: corrected[key] for key in missing}, missing))
    added = [file for each in found for file in _without(batch, each)]
    return [ReplaceQuarantine(added, [each.file.path for each in found])] if found else []


def _files_with(batch: Batch, corrected: Mapping[RowKey, CorrectionObject]) -> Iterator[_File]:
    objects = {path for path, _, _ in corrected}
    for file in batch.state.quarantine.values():
        if file.partition == REFUSED or (file.objects and objects.isdisjoint(file.objects)):
            continue
        columns = pa.Table.from_batches(read_batches(batch.lake, file.path, file.size, _KEY)).to_pydict()
        keys = zip(*(columns[name] for name in _KEY), strict=True)
        if places := {key: place for place, key in enumerate(keys) if key in corrected}:
            yield _File(file, places)


def _without(batch: Batch, each: _File) -> list[DataFile]:
    """Stage the other rows of a file beside it, if there are any."""
    rows = pa.Table.from_batches(read_batches(batch.lake, each.file.path, each.file.size))
    kept = sorted(set(range(rows.num_rows)) - set(each.corrected.values()))
    rest = rows.take(pa.array(kept, pa.int64()))
    return rewrite_file(batch.lake, each.file, rest, staging=f"{batch.folder}corrected/")


def _describe_missing(corrections: Mapping[str, CorrectionObject], missing: set[RowKey]) -> dict[str, str]:
    counts = {
        path: sum((each.original, each.etag, position) in missing for position in each.positions)
        for path, each in corrections.items()
    }
    return {
        path: f"{count_of(count, 'row')} that it corrects {'is' if count == 1 else 'are'} no longer in quarantine, and "
        "may be in the table; delete the correction's folder, and replay what is still rejected"
        for path, count in counts.items()
    }
