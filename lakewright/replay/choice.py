"""Which rejected rows a replay takes, with their new values."""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from lakewright.corrections.effective import EffectiveCorrections
from lakewright.corrections.manifests import Correction, CorrectionFolder, NewCorrection, withdraw
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.quarantine.overview import why_no_rows
from lakewright.quarantine.table import read_rows
from lakewright.replay.edited_rows import ReplayedRow, read_edited
from lakewright.runs.job.batch import Version
from lakewright.runs.job.interfaces import Replayed
from lakewright.runs.job.request import Replay
from lakewright.runs.progress import count_of
from lakewright.sources.corrected import listed_corrections
from lakewright.sources.listing import Listed, Source
from lakewright.storage.lake import Lake
from transforms.object_names import one_line


@dataclass
class ReplayedRows:
    """The rows of a replay, by their object; and what happened to each row.

    Attributes:
        by_object: The rows of each version of an object that can be corrected.
        rows: Number of rows by what happened to them.
        rules: Number of rows that still break each rule.
        warnings: Warnings.
        superseded: Paths of corrections that no batch has committed, and whose rows were edited again.
    """

    by_object: dict[tuple[str, str], list[ReplayedRow]] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    superseded: set[str] = field(default_factory=set)

    def note_corrected(self, count: int, left: Counter[str], rejected: int) -> None:
        """Count the rows of an object that were corrected, and those that still break rules."""
        self.rows["corrected"] += count
        self.rows["still_rejected"] += rejected
        self.rules.update(left)

    def note_unreadable(self, path: str, count: int, reason: str) -> None:
        """Count the rows of an object that the current config cannot read; they stay in quarantine."""
        self.rows["unreadable"] += count
        self.warnings.append(
            f"{count_of(count, 'row')} not replayed, because the current config cannot read {one_line(path)}: {reason}"
        )

    def store(self, folder: CorrectionFolder, corrections: Sequence[NewCorrection]) -> Replayed:
        """Store corrections instead of those that they supersede, and return the account of the replay."""
        withdraw(folder.lake, self.superseded)
        objects = folder.write(corrections) if corrections else []
        warnings = list(self.warnings)
        if still := self.rows["still_rejected"]:
            broken = ", ".join(f"{rule} ({count})" for rule, count in sorted(self.rules.items()))
            warnings.append(f"{count_of(still, 'row')} still rejected, and left in quarantine: {broken}")
        rows = {name: count for name, count in self.rows.items() if count}
        return Replayed(objects, rows, dict(sorted(self.rules.items())), warnings)


class CurrentObjects(NamedTuple):
    """The objects of a source, and the corrections that count.

    Attributes:
        versions: Each of them, by path and ETag.
        names: The path of each below the source's folder; of corrections, that of the original. By path.
    """

    versions: dict[Version, SourceObject]
    names: dict[str, str]


def current_objects(source: Source, listed: Sequence[Listed], effective: EffectiveCorrections) -> CurrentObjects:
    """Return the objects whose rejected rows can be corrected."""
    objects = [*listed, *listed_corrections(effective, source)]
    names = {entry.path: source.name_of(entry.path) for entry in listed}
    names |= {each.path: each.described.name for each in effective.objects}
    return CurrentObjects({(entry.path, entry.etag): entry.as_source({}) for entry in objects}, names)


def choose_rows(
    lake: Lake, state: TableState, replay: Replay, corrections: Iterable[Correction], current: Set[tuple[str, str]]
) -> ReplayedRows:
    """Choose the rows to replay.

    Args:
        lake: The lake with the quarantine.
        state: The table.
        replay: The user's choice.
        corrections: The corrections that count; rows that they replace are not replayed again.
        current: The versions of objects (path and ETag) whose rows can be corrected.

    Raises:
        ConfigError: If the edited CSV is wrong.
    """
    corrected = {(*each.original, place) for each in corrections for place in each.described.positions}
    rejected = {each.key: each for each in map(ReplayedRow, read_rows(lake, state, rule=replay.rule))}
    unknown = why_no_rows(state, replay.rule)
    found = ReplayedRows(warnings=[unknown] if unknown else [])
    if replay.edited is not None:
        rows = {key: each.row for key, each in rejected.items()}
        waiting = [each for each in corrections if not state.has(each.path, each.etag)]
        replaceable = {
            key: each
            for each in waiting
            for place in each.described.positions
            if (key := (*each.original, place)) in rows
        }
        corrected -= replaceable.keys()
        rejected, found.rows["corrected_before"] = read_edited(replay.edited, rows, corrected)
        found.superseded = {replaceable[key].path for key in rejected if key in replaceable}
        while (
            built_on := {each.path for each in waiting if each.described.original in found.superseded}
        ) - found.superseded:
            found.superseded |= built_on
    void: Counter[str] = Counter()
    for key, each in sorted(rejected.items(), key=itemgetter(0)):
        path, etag, _ = key
        if key in corrected:
            found.rows["corrected_before"] += 1
        elif (path, etag) not in current:
            found.rows["void"] += 1
            void[path] += 1
        else:
            found.by_object.setdefault((path, etag), []).append(each)
    if void:
        more = f" and {len(void) - 1} more" if len(void) > 1 else ""
        found.warnings.append(
            f"{count_of(found.rows['void'], 'row')} not replayed, because their objects were rewritten or are gone: "
            f"{one_line(min(void))}{more}"
        )
    return found
