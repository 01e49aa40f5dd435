"""The objects at a feed's source."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from re import Pattern
from typing import Final

from lakewright.log.records import SourceObject
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from transforms.object_names import as_text, date_of_object, one_line, why_no_data

#: Why an object is refused whose name is not valid text.
NOT_UTF8: Final = "its name is not UTF-8; rename it"
_NO_HADOOP_PATH: Final = "its name is not a valid Hadoop path; rename it"
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_REASONS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """A listed source object, with the date in its name and the time of its last modification.

    ``problem`` is why it is refused for its name; empty for other objects. ``notes`` are those that the log keeps.
    """

    path: str
    size: int
    etag: str
    date: Mapping[str, str]
    modified: datetime
    problem: str = ""
    notes: Mapping[str, str | int] = field(default_factory=dict)

    def as_source(self, values: Mapping[str, str]) -> SourceObject:
        """Return it as an object of a batch; ``values`` are year, month and day of its rows."""
        return SourceObject(path=self.path, size=self.size, etag=self.etag, values=dict(values), notes=dict(self.notes))


@dataclass(frozen=True)
class Listing:
    """All objects at a source: those to read, those ignored (with the reason), and those refused for their names."""

    objects: list[Listed]
    ignored: dict[str, str]
    unreadable: list[Listed]


def describe_empty(where: str, reasons: Mapping[str, str], *, expected: str) -> str:
    """Return a message that a source has no objects for a feed.

    Args:
        where: The source.
        reasons: Why each object at the source is ignored, by path.
        expected: What none of them is, such as "an object of the sink".
    """
    if not reasons:
        return f"no objects found below {where}"
    kinds = Counter(reasons.values()).most_common()
    summary = [f"{reason} ({count})" for reason, count in kinds[:_REASONS_SHOWN]]
    if others := kinds[_REASONS_SHOWN:]:
        summary.append(f"other reasons ({sum(count for _, count in others)})")
    subject = (
        f"the only object below {where} is not"
        if len(reasons) == 1
        else f"none of the {len(reasons)} objects below {where} is"
    )
    return one_line(f"{subject} {expected}: {', '.join(summary)}; first {min(reasons)}")


class Source:
    """A folder of objects, in the lake or at a separate URI."""

    def __init__(
        self, lake: Lake, path: str, file_name: Pattern[str] | None, *, reads_hidden: bool | None = None
    ) -> None:
        """Open a source; ``reads_hidden`` is as in ``why_no_data``, None if feeds have no option for it."""
        self.lake = open_lake(path) if "://" in path else lake
        self._folder = "" if "://" in path else path.strip("/") + "/"
        self._file_name = file_name
        self._reads_hidden = reads_hidden

    @property
    def where(self) -> str:
        """The source as written in a feed."""
        return self._folder or f"{self.lake.uri}/"

    def look(self) -> Listing:
        """List the source; unusual names are reported, and never stop the listing."""
        listing = Listing([], {}, [])
        dates: dict[tuple[str, ...], dict[str, str]] = {}  # objects of one date share it
        for entry in self.lake.list(self._folder):
            path, name = entry.path[len(self._folder) :], as_text(entry.path)
            if reason := entry.problem or self._reason_to_ignore(path, entry.size):
                listing.ignored[name] = reason
                continue
            date, problem = self.date_of(path), self._problem_with_name(path)
            date = dates.setdefault((*date, *date.values()), date)
            listed = Listed(name, entry.size, entry.etag, date, entry.modified, problem)
            (listing.unreadable if problem else listing.objects).append(listed)
        return listing

    def date_of(self, path: str) -> dict[str, str]:
        """Return the date in the name of an object, given its path below the source's folder."""
        return date_of_object(path, self._file_name)

    def name_of(self, path: str) -> str:
        """Return the path of an object below the source's folder."""
        return path.removeprefix(self._folder)

    def folders(self) -> Sequence[str]:
        """Return the names of the source's direct subfolders."""
        return self.lake.folders(self._folder)

    def changed(self, objects: Iterable[SourceObject]) -> list[str]:
        """Return the paths of objects that were rewritten or disappeared since they were listed."""
        current = {entry.path: entry.etag for entry in self.lake.list(self._folder)}
        return [listed.path for listed in objects if current.get(listed.path) != listed.etag]

    def _problem_with_name(self, path: str) -> str:
        """Return why an object is refused for its name, although workers could read it: Spark opens Hadoop paths only.

        Hadoop cannot represent some names as paths; local names also become names of checksum files.
        """
        if as_text(path) != path:
            return NOT_UTF8
        colon = ":" in path.rsplit("/", 1)[-1] and not self.lake.uri.startswith("s3://")
        is_invalid = _CONTROL.search(path) or colon or {"", ".", ".."} & set(path.split("/"))
        return _NO_HADOOP_PATH if is_invalid else ""

    def _reason_to_ignore(self, path: str, size: int) -> str:
        reason = why_no_data(path, size=size, reads_hidden=bool(self._reads_hidden))
        if reason.startswith("hidden") and self._reads_hidden is None:
            return "hidden"  # without the option to read it, which these feeds do not have
        if reason:
            return reason
        if self._file_name is not None and not self._file_name.fullmatch(path.rsplit("/", 1)[-1]):
            return "name does not match source.file_name"
        return ""
