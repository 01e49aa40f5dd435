"""Corrections beside the objects of a source."""

from collections.abc import Iterable

import msgspec

from lakewright.corrections.effective import EffectiveCorrections, is_void
from lakewright.corrections.manifests import CORRECTED_ETAG, CORRECTS, CorrectionFolder
from lakewright.log.actions import TableState
from lakewright.log.log import Plan
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


def without_void(state: TableState, listed: Iterable[Listed]) -> TableState:
    """Leave out corrections that no longer count: they need not be there."""
    if not any(CORRECTS in source.notes for source in state.objects.values()):
        return state
    current = {entry.path: entry.etag for entry in listed}
    kept = {path: source for path, source in state.objects.items() if not is_void(source, current)}
    return msgspec.structs.replace(state, objects=kept)


def with_originals(listed: Iterable[Listed], state: TableState) -> list[Listed]:
    """Leave out corrections whose original is neither in the table nor among the listed objects, which precede them."""
    kept: dict[str, Listed] = {}
    for entry in listed:
        original = entry.notes.get(CORRECTS)
        if original is None or original in kept or state.has(str(original), str(entry.notes[CORRECTED_ETAG])):
            kept[entry.path] = entry
    return list(kept.values())
