"""Which corrections count: those whose original is still the version that was corrected."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from lakewright.corrections.manifests import CORRECTED_ETAG, CORRECTS, Correction
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from transforms.object_names import one_line


@dataclass(frozen=True)
class EffectiveCorrections:
    """The corrections of a target, given its source.

    Attributes:
        objects: Those that count.
        refused: Those that correct a record which another one corrects as well, with the reason, by path.
        void: Those whose original was rewritten or is gone.
        etags: The ETag of each object whose corrections count, by path: objects at the source, those that are gone
            and whose rows the table keeps, and corrections that count.
    """

    objects: list[Correction] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    void: list[Correction] = field(default_factory=list)
    etags: Mapping[str, str] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """Describe void corrections."""
        if not self.void:
            return []
        rows = sum(len(each.described.positions) for each in self.void)
        subject = (
            "the correction of 1 row no longer counts" if rows == 1 else f"corrections of {rows} rows no longer count"
        )
        originals = _first_of(each.described.original for each in self.void)
        return [
            f"{subject}, because the original was rewritten or is gone: {originals}; to end this warning, delete "
            f"{_first_of(each.path for each in self.void)}"
        ]


def uncommitted_corrections(objects: Iterable[SourceObject], state: TableState) -> list[SourceObject]:
    """Return the corrections among the objects of a batch that no batch has committed yet."""
    return [source for source in objects if CORRECTS in source.notes and not state.has(source.path, source.etag)]


def may_have_corrections(current: Mapping[str, str], state: TableState, *, allows_gone: bool) -> bool:
    """Return whether there may be corrections that count, so that they must be listed.

    A correction that no batch has read is of a row in quarantine, as long as its original stays as it is. It may count
    again if an object returns to an earlier version or to the source, or if the state is new.

    Args:
        current: The ETag of each source object, by path.
        state: The table.
        allows_gone: Whether a rebuild may have removed the rows of objects that are gone, and that may return.
    """
    return bool(
        allows_gone
        or not state.committed
        or state.quarantine
        or any(CORRECTS in source.notes for source in state.objects.values())
        or any(path in state.objects and not state.has(path, etag) for path, etag in current.items())
    )


def _first_of(paths: Iterable[str]) -> str:
    first, *others = sorted(set(paths))
    return one_line(first) + (f" and {len(others)} more" if others else "")


def effective_corrections(
    corrections: Iterable[Correction], current: Mapping[str, str], state: TableState, *, keeps_gone: bool
) -> EffectiveCorrections:
    """Decide which corrections count; those of corrections count while these do.

    Args:
        corrections: All corrections of the target.
        current: The ETag of each source object, by path.
        state: The table before the batch; of two corrections of one record, the committed one counts.
        keeps_gone: Whether corrections count whose original is gone, while the table has its rows.
    """
    etags = dict(current)
    if keeps_gone:
        etags = {path: source.etag for path, source in state.objects.items() if CORRECTS not in source.notes} | etags
    waiting = sorted(corrections, key=lambda each: (each.path not in state.objects, each.modified, each.path))
    found, corrected = EffectiveCorrections(etags=etags), dict[tuple[str, str], dict[int, str]]()
    while ready := [each for each in waiting if etags.get(each.described.original) == each.described.etag]:
        waiting = [each for each in waiting if etags.get(each.described.original) != each.described.etag]
        for each in ready:
            before = corrected.setdefault(each.original, {})
            if other := next((before[place] for place in each.described.positions if place in before), None):
                found.refused[each.path] = f"it corrects a record that {other} corrects as well; delete one of them"
                continue
            before.update(dict.fromkeys(each.described.positions, each.path))
            etags[each.path] = each.etag
            found.objects.append(each)
    found.void.extend(waiting)
    return found


def without_void(state: TableState, corrections: EffectiveCorrections) -> TableState:
    """Leave out committed corrections whose original was rewritten or is gone: they need not be there."""
    kept = {path: source for path, source in state.objects.items() if not _is_void(source, corrections.etags)}
    return state if len(kept) == len(state.objects) else msgspec.structs.replace(state, objects=kept)


def _is_void(source: SourceObject, etags: Mapping[str, str]) -> bool:
    original = source.notes.get(CORRECTS)
    return original is not None and etags.get(str(original)) != source.notes[CORRECTED_ETAG]


def waiting_originals(corrections: Iterable[Correction], state: TableState) -> set[str]:
    """Return the originals of corrections that no batch has read; void ones, whose original was rewritten, do not wait.

    An original that is not in the table may be that of a refused batch.
    """
    return {
        each.described.original
        for each in corrections
        if not state.has(each.path, each.etag)
        and (each.described.original not in state.objects or state.has(*each.original))
    }
