"""Which feeds of a config folder cannot stand side by side: ``check`` compares each with all others."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.cli.registry import LoadedFeed
from lakewright.config import CatalogEntry, lake_uri
from lakewright.folders import FeedFolder, Use

#: What two feeds, or one, may not do in the same place, and what to do about it.
_REMEDIES: Final[dict[frozenset[Use], str]] = {
    frozenset(["fills"]): "a table belongs to one feed: give each a folder of its own",
    frozenset(["fills", "reads"]): "a table is no source, since old and new files lie there together while it is "
    "published: read the objects that it is made of",
    frozenset(["fills", "rewrites"]): "the files of a table are its feed's: rewrite the objects that it is made of",
    frozenset(["rewrites"]): "the second leaves what the first has tagged as processed: put both into one feed",
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
        """Tell whether another place is this one, or lies in it; an object holds nothing else."""
        return other.uri == self.uri or (self.uri.endswith("/") and other.uri.startswith(self.uri))


def conflicts(feeds: Sequence[LoadedFeed]) -> list[str]:
    """Name the feeds that share a table, an entry of the catalog or objects to rewrite, or that read a table."""
    return [*_shared_folders(feeds), *_shared_entries(feeds)]


def _shared_folders(feeds: Sequence[LoadedFeed]) -> Iterator[str]:
    lake = lake_uri(None)
    root = _absolute(lake if "://" in lake else f"file://{Path(lake).absolute()}", "").rstrip("/")
    places = [_Place(feed, folder, _absolute(folder.path, root)) for feed in feeds for folder in feed.feed.folders()]
    for pair in sorted(_overlaps(places)):
        one, two = (places[number] for number in pair)
        uses = frozenset([one.folder.use, two.folder.use])
        is_own_matter = one.feed is two.feed and len(uses) == 1
        if (remedy := _REMEDIES.get(uses)) and not is_own_matter:
            yield f"{_key(two.feed, two.folder)}: {two}, and {one} ({_key(one.feed, one.folder)}); {remedy}"


def _overlaps(places: Sequence[_Place]) -> Iterator[tuple[int, int]]:
    """Give the numbers of each two places that overlap: sorted by URI, a folder stands right before what lies in it."""
    around: list[int] = []
    for number in sorted(range(len(places)), key=lambda number: places[number].uri):
        around = [outer for outer in around if places[outer].holds(places[number])]
        yield from ((min(outer, number), max(outer, number)) for outer in around)
        around.append(number)


def _absolute(path: str, root: str) -> str:
    """Give a folder, in the lake or at a URI of its own, as one URI, or as a path without symbolic links."""
    uri = path if "://" in path else f"{root}/{path}"
    if uri.startswith(("file://", "/")):
        return os.path.realpath(uri.removeprefix("file://")) + "/" * uri.endswith("/")
    return uri.replace("s3a://", "s3://", 1)


def _shared_entries(feeds: Sequence[LoadedFeed]) -> Iterator[str]:
    taken: dict[tuple[str, str], tuple[LoadedFeed, CatalogEntry]] = {}
    for feed in feeds:
        for entry in feed.feed.catalog_entries():
            # The catalog keeps names in small letters.
            owner, first = taken.setdefault((entry.database.lower(), entry.table.lower()), (feed, entry))
            if owner is not feed:
                yield (
                    f"{_key(feed, entry)}: feed {feed.name} registers {entry.database}.{entry.table}, and so does feed "
                    f"{owner.name} ({_key(owner, first)}); name another database or table"
                )


def _key(feed: LoadedFeed, named: FeedFolder | CatalogEntry) -> str:
    return f"{feed.document.place(named.keys)}: {'.'.join(named.keys)}"
