"""Corrections beside the objects of a topic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lakewright.corrections.effective import (
    EffectiveCorrections,
    effective_corrections,
    may_have_corrections,
    without_void,
)
from lakewright.corrections.manifests import CORRECTED_ETAG, CORRECTS, CorrectionFolder, CorrectionObject
from lakewright.log.log import Plan
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState


@dataclass(frozen=True)
class CorrectedTopic:
    """The objects of a topic with the corrections that count.

    Attributes:
        there: All of them, by path; a correction has the day of its original.
        corrections: The corrections.
        state: The table, without corrections that no longer count.
    """

    there: Mapping[str, SourceObject]
    corrections: EffectiveCorrections
    state: TableState


def corrected_topic(
    there: Mapping[str, SourceObject],
    listed: Mapping[str, str],
    folder: CorrectionFolder,
    state: TableState,
    *,
    is_whole: bool,
    allows_gone: bool,
) -> CorrectedTopic:
    """Add the corrections that count to the objects of a topic, unless their original is refused.

    Args:
        there: The objects that are not refused, by path.
        listed: The ETag of each object, by path.
        folder: The corrections.
        state: The table.
        is_whole: Whether the table is rebuilt.
        allows_gone: See ``may_have_corrections``.
    """
    may_have = is_whole or may_have_corrections(listed, state, allows_gone=allows_gone)
    found = folder.look() if may_have else []
    corrections = effective_corrections(found, listed, state, keeps_gone=not is_whole)
    objects = dict(there)
    for each in corrections.objects:
        path, etag = each.original
        original = objects.get(path) or (state.objects[path] if state.has(path, etag) and not is_whole else None)
        if original is not None:
            notes: dict[str, str | int] = {CORRECTS: path, CORRECTED_ETAG: etag}
            objects[each.path] = SourceObject(each.path, each.size, each.etag, original.values, notes)
    return CorrectedTopic(objects, corrections, without_void(state, corrections))


@dataclass(frozen=True)
class BatchCorrections:
    """What corrections mean for a batch.

    Attributes:
        described: The corrections among its objects, by path.
        superseded: The lines that corrections replace, by path and ETag of the object.
        void: Corrections in the table whose original the batch reads in another version.
    """

    described: Mapping[str, CorrectionObject] = field(default_factory=dict)
    superseded: Mapping[tuple[str, str], frozenset[int]] = field(default_factory=dict)
    void: frozenset[str] = frozenset()


def batch_corrections(plan: Plan, state: TableState, folder: CorrectionFolder) -> BatchCorrections:
    """Return the corrections of a batch: those it reads, and those in the table of objects that it reads again."""
    committed = [] if plan.overwrites_table else list(state.objects.values())
    etags = {source.path: source.etag for source in plan.objects}
    void = _void(committed, etags)
    described = folder.describe([*plan.objects, *(source for source in committed if source.path not in void)])
    superseded: dict[tuple[str, str], set[int]] = {}
    for each in described.values():
        superseded.setdefault((each.original, each.etag), set()).update(each.positions)
    return BatchCorrections(
        {path: each for path, each in described.items() if path in etags},
        {version: frozenset(lines) for version, lines in superseded.items()},
        void,
    )


def _void(committed: Iterable[SourceObject], etags: Mapping[str, str]) -> frozenset[str]:
    """Return the corrections whose original has another ETag in the batch, and the corrections of those."""
    corrections = [source for source in committed if CORRECTS in source.notes]
    void: set[str] = set()
    while more := {
        source.path
        for source in corrections
        if source.path not in void
        and (
            str(source.notes[CORRECTS]) in void
            or etags.get(str(source.notes[CORRECTS]), source.notes[CORRECTED_ETAG]) != source.notes[CORRECTED_ETAG]
        )
    }:
        void |= more
    return frozenset(void)
