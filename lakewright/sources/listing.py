"""What lies at a feed's source, and which of it makes the next batch."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from re import Pattern
from typing import Final

from lakewright.log.records import SourceObject
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake
from transforms.object_names import as_text, date_of_object, is_folder_marker, is_hidden, one_line, why_no_data

#: Why an object is refused whose name is bytes that are no text.
NOT_UTF8: Final = "its name is not UTF-8; rename it"
_UNREADABLE_NAME: Final = "Spark cannot open an object of this name; rename it"
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_KINDS_TOLD: Final = 3


@dataclass(frozen=True)
class Listed:
    """A source object as it lies there, with the date that its name says, and when it was written.

    ``problem`` says why it cannot be read, for its name; it is empty for those that can.
    """

    path: str
    size: int
    etag: str
    date: Mapping[str, str]
    modified: datetime
    problem: str = ""


@dataclass(frozen=True)
class Listing:
    """All that lies at a source: objects to take, others that are no data, and those that Spark could not open."""

    objects: list[Listed]
    ignored: dict[str, str]
    unreadable: list[Listed]


def describe_empty(where: str, reasons: Mapping[str, str], *, whose: str) -> str:
    """Say that nothing at a source is a feed's.

    Args:
        where: The source.
        reasons: Why each object that lies there is left out, by its path.
        whose: What none of them is, such as "one of the sink's".
    """
    if not reasons:
        return f"no object lies below {where}"
    kinds = Counter(reasons.values()).most_common()
    told = [f"{reason} ({count})" for reason, count in kinds[:_KINDS_TOLD]]
    told += [f"other reasons ({sum(count for _, count in kinds[_KINDS_TOLD:])})"] if len(kinds) > _KINDS_TOLD else []
    there = (
        f"1 object lies below {where}, and it is not"
        if len(reasons) == 1
        else f"{len(reasons)} objects lie below {where}, none of them is"
    )
    sentence = f"{there} {whose}: {', '.join(told)}; first {min(reasons)}"
    return one_line(sentence)


class Source:
    """A folder of objects, in the lake or at a URI of its own."""

    def __init__(
        self, lake: Lake, path: str, file_name: Pattern[str] | None, *, takes_underscores: bool | None = None
    ) -> None:
        """Open a source; ``takes_underscores`` is as in ``why_no_data``, None where a feed has no say in it."""
        self.lake = open_lake(path) if "://" in path else lake
        self._folder = "" if "://" in path else path.strip("/") + "/"
        self._file_name = file_name
        self._takes_underscores = takes_underscores

    @property
    def where(self) -> str:
        """Name the source, as a feed does."""
        return self._folder or f"{self.lake.uri}/"

    def look(self) -> Listing:
        """List the source; one odd name never stops it."""
        listing = Listing([], {}, [])
        for found in self.lake.list(self._folder):
            path, name = found.path[len(self._folder) :], as_text(found.path)
            if reason := found.problem or self._reason_to_ignore(path, found.size):
                listing.ignored[name] = reason
                continue
            date, problem = date_of_object(path, self._file_name), self._problem_with_name(path)
            listed = Listed(name, found.size, found.etag, date, found.modified, problem)
            (listing.unreadable if problem else listing.objects).append(listed)
        return listing

    def folders(self) -> Sequence[str]:
        """Name the folders that lie directly at the source."""
        return self.lake.folders(self._folder)

    def changed(self, objects: Iterable[SourceObject]) -> list[str]:
        """Name those objects that are gone or were written again since they were listed."""
        current = {found.path: found.etag for found in self.lake.list(self._folder)}
        return [taken.path for taken in objects if current.get(taken.path) != taken.etag]

    def _problem_with_name(self, path: str) -> str:
        """Say why Hadoop has no path for a name; locally it also names a checksum file after it."""
        if as_text(path) != path:
            return NOT_UTF8
        colon = ":" in path.rsplit("/", 1)[-1] and not self.lake.uri.startswith("s3://")
        is_unreadable = _CONTROL.search(path) or colon or {"", ".", ".."} & set(path.split("/"))
        return _UNREADABLE_NAME if is_unreadable else ""

    def _reason_to_ignore(self, path: str, size: int) -> str:
        if not path or path.endswith("/") or is_folder_marker(path, size):
            return "a folder marker"
        if self._takes_underscores is None and is_hidden(path):
            return "hidden"
        if reason := why_no_data(path, size=size, takes_underscores=bool(self._takes_underscores)):
            return reason
        if self._file_name is not None and not self._file_name.fullmatch(path.rsplit("/", 1)[-1]):
            return "name does not match source.file_name"
        return ""
