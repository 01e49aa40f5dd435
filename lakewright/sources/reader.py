"""Objects that fill a table by their date: which are new, which are refused, and how they are read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

from lakewright.errors import ConfigError, ObjectRefusedError
from lakewright.log.actions import TableState
from lakewright.log.log import Append, Plan
from lakewright.log.records import SourceObject
from lakewright.runs.job import Batch, Choice, Request, Survey, Version
from lakewright.sources.listing import Listed, Source, describe_empty
from lakewright.sources.selection import choose_append, choose_rebuild, choose_whole, narrowed
from lakewright.storage.lake import Lake
from transforms.object_names import DATE_KEYS, is_day, partition_path

Rows = TypeVar("Rows")
Rows_co = TypeVar("Rows_co", covariant=True)
Found = Listed | SourceObject


@dataclass(frozen=True)
class Look:
    """What a look at the heads of objects has shown: of each version its head, and why objects are refused, by path."""

    of: Mapping[Version, Any] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    extra_columns: dict[str, int] = field(default_factory=dict)


class Format(Protocol[Rows_co]):
    """What the format of objects adds to a reader."""

    def look(self, lake: Lake, objects: Sequence[Found], known: Mapping[Version, Any]) -> Look:
        """Look at the heads of objects, but for those that are known; of the others, nothing is read."""

    def find_damage(self, lake: Lake, objects: Sequence[Found], heads: Look) -> dict[str, str]:
        """Read objects through, and say which of them are damaged."""

    def open(self, lake: Lake, objects: Sequence[SourceObject], heads: Look) -> Rows_co:
        """Say how the rows of objects are read."""


@dataclass(frozen=True)
class Filling:
    """How objects fill a table.

    Attributes:
        fill: rebuild: a partition is made again from all of its objects; append: rows are added, once.
        date_keys: Those of year, month and day that are folders of the table.
        partition_date: Whether these are the date of the object's name, or that of the processing.
        allows_gone: Whether a partition with news may have lost an object.
    """

    fill: Literal["rebuild", "append"] = "rebuild"
    date_keys: tuple[str, ...] = ()
    partition_date: Literal["source", "processing"] = "source"
    allows_gone: bool = False


@dataclass(frozen=True)
class ObjectReader(Generic[Rows]):
    """The reader of a folder of objects, each of which is of one date; see ``lakewright.runs.job.Reader``."""

    source: Source
    format: Format[Rows]
    filling: Filling
    skips_refused: bool = False

    def survey(self, state: TableState, request: Request, *, excluded: Mapping[str, str]) -> Survey:
        """See ``Reader.survey``."""
        listing = self.source.look()
        asked = narrowed(listing.objects, request.wanted)
        unreadable = narrowed(listing.unreadable, request.wanted)
        if request.wanted and not asked and not unreadable:
            raise ConfigError(f"no source object matches {partition_path(request.wanted)}")
        fresh = [found for found in asked if request.everything or not state.has(found.path, found.etag)]
        heads = self.format.look(self.source.lake, fresh, {})
        refused = {**heads.refused, **self._undated(fresh)} | {found.path: found.problem for found in unreadable}
        asked_paths = _paths(asked)
        refused |= {path: reason for path, reason in excluded.items() if path in asked_paths}
        if self.filling.fill == "append" and not request.everything:
            # Damage is to be told from an object that was written again, which needs a rebuild.
            rewritten = [found for found in fresh if found.path in state.objects.keys() - refused.keys()]
            refused |= self.format.find_damage(self.source.lake, rewritten, heads)
        return Survey(
            choice=self._choose(listing.objects, asked_paths, refused, state, request),
            heads=heads.of,
            refused=refused,
            ignored=listing.ignored,
            extra_columns=heads.extra_columns,
            nothing=""
            if listing.objects or listing.unreadable
            else describe_empty(self.source.where, listing.ignored, whose="one of the feed's"),
        )

    def changed(self, plan: Plan) -> list[str]:
        """See ``Reader.changed``."""
        return self.source.changed(plan.objects)

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
            raise ConfigError("an appended table is rebuilt whole: leave --date and --partition out")
        # What would lose rows because an object of it is refused now stays as it is.
        withheld = {self._partition(found) for found in listed if found.path in refused and found.path in state.objects}
        if withheld and request.everything and (is_append or request.is_whole):
            return Choice([], Append())
        undated = self._undated(listed)
        kept = [
            found
            for found in listed
            if found.path not in undated and found.path not in refused and self._partition(found) not in withheld
        ]
        if is_append:
            today = dict(zip(DATE_KEYS, request.today.split("-"), strict=True))
            is_source = filling.partition_date == "source"
            return choose_append(
                [found for found in kept if found.path in asked],
                state,
                values=lambda found: {key: (found.date if is_source else today)[key] for key in keys},
                everything=request.everything,
                allow_gone=filling.allows_gone,
            )
        if request.is_whole:
            return choose_whole(kept, state, keys=keys, allow_gone=filling.allows_gone)
        return choose_rebuild(
            kept, state, asked=asked, keys=keys, everything=request.everything, allow_gone=filling.allows_gone
        )

    def _undated(self, objects: Iterable[Listed]) -> dict[str, str]:
        """Say what the names of objects lack for their place in the table."""
        if self.filling.partition_date != "source":
            return {}
        reasons = {}
        for found in objects:
            if missing := [key for key in self.filling.date_keys if key not in found.date]:
                reasons[found.path] = f"its name does not say the {missing[0]}"
                continue
            values = {key: found.date[key] for key in self.filling.date_keys}
            if not is_day(values):
                reasons[found.path] = f"its name says {partition_path(values)}, which is no day"
        return reasons

    def _partition(self, found: Listed) -> str:
        """Name the partition that is made again with an object; an appended one is nobody's but its own."""
        if self.filling.fill == "append":
            return found.path
        return partition_path({key: found.date.get(key, "") for key in self.filling.date_keys})


def _paths(objects: Iterable[Listed]) -> set[str]:
    return {found.path for found in objects}
