"""Conflicts between the feeds of a config folder, which ``check`` reports."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.cli.registry import LoadedFeed
from lakewright.config import CatalogEntry, lake_uri
from lakewright.folders import FeedFolder, Use

#: Uses of a folder that conflict, within a feed or between two, and the remedy.
_REMEDIES: Final[dict[frozenset[Use], str]] = {
    frozenset(["fills"]): "a table belongs to one feed: use a separate folder for each",
    frozenset(["fills", "reads"]): "a table cannot be a source, since it contains old and new files while it is "
    "published: read the table's source objects instead",
    frozenset(["fills", "rewrites"]): "the files of a table belong to its feed: rewrite the table's source objects "
    "instead",
    frozenset(
        ["rewrites"]
    ): "the second skips objects that the first has tagged as processed: combine both in one feed",
}


@dataclass(frozen=True)
class _Place:
    """A folder of a feed, and the same folder as an absolute URI."""

    feed: LoadedFeed
    folder: FeedFolder
    uri: str

    def __str__(self) -> str:
        return f"feed {self.feed.name} {self.folder.use} {self.folder.path}"

    def holds(self, other: "_Place") -> bool:
        """Return whether another place is this one or below it; nothing is below an object."""
        return other.uri == self.uri or (self.uri.endswith("/") and other.uri.startswith(self.uri))


def conflicts(feeds: Sequence[LoadedFeed]) -> list[str]:
    """Return the conflicts: feeds that share a table, a catalog entry or objects to rewrite, or that read a table."""
    return [*_shared_folders(feeds), *_shared_entries(feeds)]


def _shared_folders(feeds: Sequence[LoadedFeed]) -> Iterator[str]:
    lake = lake_uri(None)
    root = _absolute(lake if "://" in lake else f"file://{Path(lake).absolute()}", "").rstrip("/")
    places = [_Place(feed, folder, _absolute(folder.path, root)) for feed in feeds for folder in feed.feed.folders()]
    for pair in sorted(_overlaps(places)):
        one, two = (places[number] for number in pair)
        uses = frozenset([one.folder.use, two.folder.use])
        is_within_feed = one.feed is two.feed and len(uses) == 1
        if (remedy := _REMEDIES.get(uses)) and not is_within_feed:
            yield f"{_key(two.feed, two.folder)}: {two}, and {one} ({_key(one.feed, one.folder)}); {remedy}"


def _overlaps(places: Sequence[_Place]) -> Iterator[tuple[int, int]]:
    """Return the indices of overlapping places; sorted by URI, a folder directly precedes the places below it."""
    around: list[int] = []
    for number in sorted(range(len(places)), key=lambda number: places[number].uri):
        around = [outer for outer in around if places[outer].holds(places[number])]
        yield from ((min(outer, number), max(outer, number)) for outer in around)
        around.append(number)


def _absolute(path: str, root: str) -> str:
    """Return a folder, in the lake or at a URI, as a URI or as an absolute path without symbolic links."""
    uri = path if "://" in path else f"{root}/{path}"
    if uri.startswith(("file://", "/")):
        return os.path.realpath(uri.removeprefix("file://")) + "/" * uri.endswith("/")
    return uri.replace("s3a://", "s3://", 1)


def _shared_entries(feeds: Sequence[LoadedFeed]) -> Iterator[str]:
    owners: dict[tuple[str, str], tuple[LoadedFeed, CatalogEntry]] = {}
    for feed in feeds:
        for entry in feed.feed.catalog_entries():
            # The catalog stores names in lower case.
            owner, first = owners.setdefault((entry.database.lower(), entry.table.lower()), (feed, entry))
            if owner is not feed:
                yield (
                    f"{_key(feed, entry)}: feed {feed.name} registers {entry.database}.{entry.table}, and so does feed "
                    f"{owner.name} ({_key(owner, first)}); name another database or table"
                )


def _key(feed: LoadedFeed, named: FeedFolder | CatalogEntry) -> str:
    return f"{feed.document.place(named.keys)}: {'.'.join(named.keys)}"
