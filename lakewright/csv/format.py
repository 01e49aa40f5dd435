"""CSV as a format of source objects: binds headers to the declared columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from lakewright.corrections.manifests import CORRECTS, CorrectionFolder
from lakewright.csv.binding import bind_columns
from lakewright.csv.heads import Header, read_heads
from lakewright.csv.objects import CsvObject, CsvRules, find_damage
from lakewright.csv.options import CsvOptions
from lakewright.csv.small_objects import SmallObjects
from lakewright.log.records import SourceObject
from lakewright.runs.job.batch import Version
from lakewright.sources.reader import Found, Look
from lakewright.storage.lake import Lake
from transforms.errors import HeaderError

F = TypeVar("F", bound=Found)


@dataclass(frozen=True)
class CsvObjects:
    """The objects of a batch that have text, and the rules for them."""

    lake: Lake
    objects: Sequence[CsvObject]
    rules: CsvRules


@dataclass(frozen=True)
class CsvHead:
    """The header of an object, and its content if that was read as well."""

    header: Header
    content: bytes | None


@dataclass(frozen=True)
class CsvFormat:
    """See ``lakewright.sources.reader.Format``; an object without text has None for its head.

    Attributes:
        rules: The feed's rules for the objects.
        on_extra_column: Whether undeclared columns in a header are ignored, or the object is refused.
        shows_values: Whether reasons for refusing an object may quote its values.
        corrections: The corrections of the target's objects.
    """

    rules: CsvRules
    on_extra_column: Literal["ignore", "refuse"] = "ignore"
    shows_values: bool = False
    corrections: CorrectionFolder | None = None

    def look(self, lake: Lake, objects: Sequence[Found], known: Mapping[Version, CsvHead | None]) -> Look:
        """See ``Format.look``."""
        new = [source for source in objects if (source.path, source.etag) not in known]
        heads, refused = dict(known), dict[str, str]()
        for place, options, sources in self._by_lake(lake, new):
            small = SmallObjects(place, sources)
            read = read_heads(small, [(source.path, source.size) for source in sources], options)
            for source in sources:
                header = read.headers.get(source.path)
                head = CsvHead(header, small.contents.get(source.path)) if header else None
                heads[source.path, source.etag] = head
            refused |= read.refused
        extra_columns: Counter[str] = Counter()
        for source in objects:
            head = heads[source.path, source.etag]
            if head is None or source.path in refused:
                continue
            try:
                extra = self._extra_columns(head.header)
            except HeaderError as error:
                refused[source.path] = str(error)
            else:
                extra_columns.update(extra)
        return Look(heads, refused, dict(extra_columns))

    def find_damage(self, lake: Lake, objects: Sequence[Found], heads: Look) -> dict[str, str]:
        """See ``Format.find_damage``."""
        with_text = [_csv_object(source, head, {}) for source, head in _with_text(objects, heads)]
        damage = {each.path: find_damage(lake, each, self.rules) for each in with_text}
        return {path: reason for path, reason in damage.items() if reason}

    def open(self, lake: Lake, objects: Sequence[SourceObject], heads: Look) -> CsvObjects:
        """See ``Format.open``; objects without text have no rows."""
        with_text = [_csv_object(source, head, source.values) for source, head in _with_text(objects, heads)]
        return CsvObjects(lake, self._with_corrections(objects, with_text), self.rules)

    def _by_lake(self, lake: Lake, objects: Sequence[F]) -> list[tuple[Lake, CsvOptions, list[F]]]:
        """Separate the objects of the source from corrections, which are in another lake and have only records."""
        options = self.rules.options
        sources = [source for source in objects if CORRECTS not in source.notes]
        if self.corrections is None:
            return [(lake, options, sources)]
        corrections = [each for each in objects if CORRECTS in each.notes]
        return [(lake, options, sources), (self.corrections.lake, options.for_corrections(), corrections)]

    def _with_corrections(self, objects: Sequence[SourceObject], found: Sequence[CsvObject]) -> list[CsvObject]:
        """Add where corrections are, and which records of other objects they replace."""
        if self.corrections is None:
            return list(found)
        superseded = self.corrections.superseded(objects)
        elsewhere = {source.path for source in objects if CORRECTS in source.notes}
        uri = self.corrections.lake.uri
        return [
            replace(
                each,
                lake_uri=uri if each.path in elsewhere else "",
                superseded=frozenset(superseded.get((each.path, each.etag), ())),
            )
            for each in found
        ]

    def _extra_columns(self, header: Header) -> list[str]:
        extra = bind_columns(header, self.rules.names, shows_values=self.shows_values).others
        if extra and self.on_extra_column == "refuse":
            raise HeaderError(f"the header has columns that are not declared: {', '.join(map(repr, extra))}")
        return extra


def _with_text(objects: Sequence[F], heads: Look) -> list[tuple[F, CsvHead]]:
    found = ((source, heads.of[source.path, source.etag]) for source in objects)
    return [(source, head) for source, head in found if head is not None]


def _csv_object(source: Found, head: CsvHead, values: Mapping[str, str]) -> CsvObject:
    return CsvObject(source.path, source.size, source.etag, head.header, values, content=head.content)
