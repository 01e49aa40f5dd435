"""Corrections beside the objects of a source."""

from collections.abc import Iterable

from lakewright.corrections.effective import EffectiveCorrections
from lakewright.corrections.manifests import CORRECTED_ETAG, CORRECTS, CorrectionFolder
from lakewright.log.log import Plan
from lakewright.log.state import TableState
from lakewright.sources.listing import Listed, Source


def listed_corrections(corrections: EffectiveCorrections, source: Source) -> list[Listed]:
    """Return the corrections that count as objects with the date of their original."""
    return [
        Listed(
            each.path,
            each.size,
            each.etag,
            source.date_of(each.described.name),
            each.modified,
            notes={CORRECTS: each.described.original, CORRECTED_ETAG: each.described.etag},
        )
        for each in corrections.objects
    ]


def changed_objects(plan: Plan, source: Source, corrections: CorrectionFolder | None) -> list[str]:
    """Return the objects of a batch, corrections included, that have changed since it was planned."""
    changed = source.changed(each for each in plan.objects if CORRECTS not in each.notes)
    planned = [each for each in plan.objects if CORRECTS in each.notes]
    if planned and corrections is not None:
        current = {each.path: each.etag for each in corrections.look()}
        changed += [each.path for each in planned if current.get(each.path) != each.etag]
    return changed


def with_originals(listed: Iterable[Listed], state: TableState) -> list[Listed]:
    """Leave out corrections whose original is neither in the table nor among the listed objects, which precede them."""
    kept: dict[str, Listed] = {}
    for entry in listed:
        original = entry.notes.get(CORRECTS)
        if original is None or original in kept or state.has(str(original), str(entry.notes[CORRECTED_ETAG])):
            kept[entry.path] = entry
    return list(kept.values())
