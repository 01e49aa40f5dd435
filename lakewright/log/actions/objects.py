"""Actions on the source objects of a table."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from lakewright.log.actions.action import Action, discard
from lakewright.log.metadata import TableMetadata
from lakewright.log.records import SourceObject

#: The count of an object that an earlier run has rewritten, among its numbers.
ALREADY: Final = "already"


class TakeObjects(Action, frozen=True):
    """Source objects whose rows are now in the table."""

    objects: list[SourceObject]

    def apply(self, table: TableMetadata) -> None:
        table.objects.update((source.path, source) for source in self.objects)


class ForgetObjects(Action, frozen=True):
    """Source objects whose rows are no longer in the table."""

    paths: list[str]

    def apply(self, table: TableMetadata) -> None:
        discard(table.objects, self.paths)


class RewriteObjects(Action, frozen=True):
    """Source objects after they were rewritten in place, with counts for each."""

    objects: list[SourceObject]
    numbers: dict[str, dict[str, int]] = {}

    def apply(self, table: TableMetadata) -> None:
        table.objects.update((source.path, source) for source in self.objects)

    def written(self) -> tuple[int, int]:
        rewritten = [source for source in self.objects if ALREADY not in self.numbers.get(source.path, {})]
        return len(rewritten), sum(source.size for source in rewritten)

    def report(self) -> Mapping[str, Any]:
        return {"numbers": self.numbers}


class CountPerObject(Action, frozen=True):
    """Counts per source object, for the receipt."""

    numbers: dict[str, dict[str, int]]

    def report(self) -> Mapping[str, Any]:
        return {"numbers": self.numbers}

    def if_refused(self) -> Sequence[Self]:
        return (self,)
