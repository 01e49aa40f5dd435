"""Read dated objects into a table: find new objects, refuse unreadable ones, open the others."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

from lakewright.corrections.effective import (
    EffectiveCorrections,
    effective_corrections,
    may_have_corrections,
    without_void,
)
from lakewright.corrections.manifests import CORRECTS, CorrectionFolder
from lakewright.errors import ConfigError, ObjectRefusedError
from lakewright.log.log import Append, Plan
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Batch, Choice, Survey, Version
from lakewright.runs.job.request import Request
from lakewright.sources.corrected import changed_objects, listed_corrections, with_originals
from lakewright.sources.listing import Listed, Source, describe_empty
from lakewright.sources.selection import choose_append, choose_rebuild, choose_whole, narrowed
from lakewright.storage.lake import Lake
from transforms.object_names import DATE_KEYS, is_day, partition_path

Rows = TypeVar("Rows")
Rows_co = TypeVar("Rows_co", covariant=True)
Found = Listed | SourceObject


@dataclass(frozen=True)
class Look:
    """The heads of objects by version, and the reasons why objects are refused by path."""

    of: Mapping[Version, Any] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    extra_columns: dict[str, int] = field(default_factory=dict)


class Format(Protocol[Rows_co]):
    """The format-specific part of a reader."""

    def look(self, lake: Lake, objects: Sequence[Found], known: Mapping[Version, Any]) -> Look:
        """Read the heads of objects, except known ones, and nothing else of them."""

    def find_damage(self, lake: Lake, objects: Sequence[Found], heads: Look) -> dict[str, str]:
        """Read objects completely, and return why damaged ones are refused, by path."""

    def open(self, lake: Lake, objects: Sequence[SourceObject], heads: Look) -> Rows_co:
        """Open objects for reading their rows."""


@dataclass(frozen=True)
class Filling:
    """How objects fill a table.

    Attributes:
        fill: rebuild: a partition is rebuilt from all of its objects; append: rows of each object are appended once.
        date_keys: Those of year, month and day that partition the table.
        partition_date: Whether the date is that of the object's name or of processing.
        allows_gone: Whether a partition is rebuilt although a committed object has disappeared.
    """

    fill: Literal["rebuild", "append"] = "rebuild"
    date_keys: tuple[str, ...] = ()
    partition_date: Literal["source", "processing"] = "source"
    allows_gone: bool = False


@dataclass(frozen=True)
class ObjectReader(Generic[Rows]):
    """The reader of a folder of objects with one date each; see ``lakewright.runs.job.interfaces.Reader``.

    ``corrections`` are objects of the feed beside those of its source, if its format can read them.
    """

    source: Source
    format: Format[Rows]
    filling: Filling
    skips_refused: bool = False
    corrections: CorrectionFolder | None = None

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``Reader.survey``."""
        listing = self.source.look()
        corrections = self.effective_corrections(listing.objects, state, everything=request.everything)
        objects = [*listing.objects, *listed_corrections(corrections, self.source)]
        state = without_void(state, corrections)
        asked = narrowed(objects, request.wanted)
        unreadable = narrowed(listing.unreadable, request.wanted)
        if request.wanted and not asked and not unreadable:
            raise ConfigError(f"no source object matches {partition_path(request.wanted)}")
        fresh = [entry for entry in asked if request.everything or not state.has(entry.path, entry.etag)]
        heads = self.format.look(self.source.lake, fresh, {}) if request.opens_objects else Look()
        refused = {**heads.refused, **self._undated(fresh)} | {entry.path: entry.problem for entry in unreadable}
        refused |= corrections.refused
        asked_paths, paths = _paths(asked), _paths(objects)
        refused |= {path: reason for path, reason in excluded.items() if path in paths}
        if self.filling.fill == "append" and not request.everything and request.opens_objects:
            # A damaged object is refused; an intact one that was rewritten needs a rebuild.
            rewritten = [entry for entry in fresh if entry.path in state.objects.keys() - refused.keys()]
            refused |= self.format.find_damage(self.source.lake, rewritten, heads)
        choice = self._choose(objects, asked_paths, refused, state, request)
        known = heads.of
        if request.opens_objects:
            # Objects that are read again with new ones: the feed may have changed since, or they were never read.
            others = [source for source in choice.objects if (source.path, source.etag) not in known]
            of_others = self.format.look(self.source.lake, others, known)
            known = of_others.of
            if of_others.refused:
                refused |= of_others.refused
                choice = self._choose(objects, asked_paths, refused, state, request)
        return Survey(
            choice=choice,
            heads=known,
            refused=refused,
            blocked=_blocked(fresh, choice, refused),
            ignored=listing.ignored,
            extra_columns=heads.extra_columns,
            schema_from="headers" if heads.of else "",
            listed=None if request.wanted else asked_paths,
            warnings=corrections.warnings(),
            nothing=""
            if listing.objects or listing.unreadable
            else describe_empty(self.source.where, listing.ignored, expected="a source object of the feed"),
        )

    def changed(self, plan: Plan) -> list[str]:
        """See ``Reader.changed``."""
        return changed_objects(plan, self.source, self.corrections)

    def effective_corrections(
        self, listed: Iterable[Listed], state: TableState, *, everything: bool
    ) -> EffectiveCorrections:
        """Return the corrections that count, given the objects at the source; ``everything``: of a rebuild.

        Rows that were appended stay when their object is deleted, and so do their corrections, except in a rebuild.
        """
        if self.corrections is None:
            return EffectiveCorrections()
        keeps_gone = self.filling.fill == "append" and not everything
        current = {entry.path: entry.etag for entry in listed}
        may_have = everything or may_have_corrections(current, state, allows_gone=self.filling.allows_gone)
        found = self.corrections.look() if may_have else []
        return effective_corrections(found, current, state, keeps_gone=keeps_gone)

    def read(self, batch: Batch) -> Rows:
        """See ``Reader.read``."""
        heads = self.format.look(self.source.lake, batch.plan.objects, batch.heads)
        if heads.refused:
            raise ObjectRefusedError(heads.refused)
        return self.format.open(self.source.lake, batch.plan.objects, heads)

    def _choose(
        self,
        listed: Sequence[Listed],
        asked: Collection[str],
        refused: Mapping[str, str],
        state: TableState,
        request: Request,
    ) -> Choice:
        filling, keys = self.filling, self.filling.date_keys
        is_append = filling.fill == "append"
        if is_append and request.everything and request.wanted:
            raise ConfigError("an appended table is only rebuilt as a whole: omit --date and --partition")
        # A partition that would lose rows, because one of its committed objects is now refused, stays unchanged.
        withheld = {self._partition(entry) for entry in listed if entry.path in refused and entry.path in state.objects}
        if withheld and request.everything and (is_append or request.is_whole):
            return Choice([], Append())
        undated = self._undated(listed)
        kept = with_originals(
            [
                entry
                for entry in listed
                if entry.path not in undated and entry.path not in refused and self._partition(entry) not in withheld
            ],
            state if is_append and not request.everything else TableState(),
        )
        if is_append:
            today = dict(zip(DATE_KEYS, request.today.split("-"), strict=True))
            is_source = filling.partition_date == "source"

            def values(entry: Listed) -> dict[str, str]:
                original = state.objects.get(str(entry.notes.get(CORRECTS, "")))
                return original.values if original else {key: (entry.date if is_source else today)[key] for key in keys}

            return choose_append(
                [entry for entry in kept if entry.path in asked],
                state,
                values=values,
                everything=request.everything,
                allow_gone=filling.allows_gone,
            )
        if request.is_whole:
            return choose_whole(kept, state, keys=keys, allow_gone=filling.allows_gone)
        return choose_rebuild(
            kept, state, asked=asked, keys=keys, everything=request.everything, allow_gone=filling.allows_gone
        )

    def _undated(self, objects: Iterable[Listed]) -> dict[str, str]:
        """Return why the names of objects do not yield a partition, by path."""
        if self.filling.partition_date != "source":
            return {}
        reasons = {}
        for entry in objects:
            if missing := [key for key in self.filling.date_keys if key not in entry.date]:
                reasons[entry.path] = (
                    f"neither its name nor its folders have the {missing[0]}; set source.file_name, or use folders "
                    "such as year=2026/month=08/day=01"
                )
                continue
            values = {key: entry.date[key] for key in self.filling.date_keys}
            if not is_day(values):
                reasons[entry.path] = f"its name has {partition_path(values)}, which is not a valid date"
        return reasons

    def _partition(self, entry: Listed) -> str:
        """Return the partition that is rebuilt with an object; an appended object does not affect any other."""
        if self.filling.fill == "append":
            return entry.path
        return partition_path({key: entry.date.get(key, "") for key in self.filling.date_keys})


def _blocked(fresh: Sequence[Listed], choice: Choice, refused: Mapping[str, str]) -> dict[str, str]:
    """Return why sound objects are not read: their partition would lose the rows of a refused object."""
    if not refused:
        return {}
    chosen = {source.path for source in choice.objects}
    blocked = [entry.path for entry in fresh if entry.path not in chosen and entry.path not in refused]
    return dict.fromkeys(blocked, f"its partition stays unchanged while {min(refused)} is refused")


def _paths(objects: Iterable[Listed]) -> set[str]:
    return {entry.path for entry in objects}
