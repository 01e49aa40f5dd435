"""Decide from the log (scopes, days, offset ranges) which files may contain the same records."""

from datetime import date

from lakewright.log.records import DataFile
from transforms.events.sink_names import sink_scope


class Rivalry:
    """Decides whether files may contain the same records.

    Args:
        is_carried: Whether records carry their offsets; if not, duplicates only occur within one scope.
        dedupe_days: Within how many days records that carry their offset are deduplicated.
    """

    def __init__(self, is_carried: bool, dedupe_days: int) -> None:
        self._is_carried, self._dedupe_days = is_carried, dedupe_days
        self._scopes: dict[str, frozenset[str]] = {}

    def is_near(self, file: DataFile, new: DataFile) -> bool:
        """Return whether a file of the table may share records with a new file.

        Files of one scope rarely overlap, so they are compared regardless of their days.
        """
        if not self._is_carried:
            return self.may_share(file, new)
        near = file.partition == new.partition or (
            self._dedupe_days > 0 and abs((_day(file.partition) - _day(new.partition)).days) <= self._dedupe_days
        )
        return near and self.may_share(file, new)

    def may_share(self, some: DataFile, other: DataFile) -> bool:
        """Return whether two files may share a record, regardless of their days."""
        if not _overlap(some, other):
            return False
        return self._is_carried or not self._scopes_of(some).isdisjoint(self._scopes_of(other))

    def _scopes_of(self, file: DataFile) -> frozenset[str]:
        # A file may come from thousands of objects and is compared with many others.
        if file.staged not in self._scopes:
            self._scopes[file.staged] = frozenset(map(sink_scope, file.objects))
        return self._scopes[file.staged]


def _overlap(some: DataFile, other: DataFile) -> bool:
    return any(
        stream in other.offsets and first <= other.offsets[stream][1] and last >= other.offsets[stream][0]
        for stream, (first, last) in some.offsets.items()
    )


def _day(partition: str) -> date:
    return date(*(int(part.split("=", 1)[1]) for part in partition.split("/")))
