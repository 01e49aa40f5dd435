"""The metadata of a table, which the actions of its batches change."""

from typing import Any, Final

import msgspec

from lakewright.log.records import DataFile, SchemaVersion, SourceObject

#: Detail of a table's own commit, and property of the metadata: the instant of the last one.
INSTANT: Final = "instant"


class TableMetadata(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a target's table consists of, and from which source objects; mutable, unlike all other records.

    Attributes:
        number: The last batch that ended.
        committed: The last batch that was committed.
        objects: The source objects whose rows are in the table.
        files: The files of the table.
        quarantine: The files of rejected rows.
        columns: The columns of the table, with their types.
        published: All columns that any file of the table may have, including dropped ones.
        schema_versions: The versions of a learned schema.
        layout: Location and layout of the files.
        high_watermark: The highest order of all changes applied.
        tombstone_files: Files of deleted keys.
        properties: State of a single job.
    """

    number: int = 0
    committed: int = 0
    objects: dict[str, SourceObject] = {}
    files: dict[str, DataFile] = {}
    quarantine: dict[str, DataFile] = {}
    columns: dict[str, str] = {}
    published: dict[str, str] = {}
    schema_versions: list[SchemaVersion] = []
    layout: str = ""
    high_watermark: str = ""
    tombstone_files: dict[str, DataFile] = {}
    properties: dict[str, Any] = {}

    @property
    def instant(self) -> str:
        """The last batch's commit in a table with commits of its own; empty if unknown."""
        return str(self.properties.get(INSTANT, ""))

    def has(self, path: str, etag: str) -> bool:
        """Return whether this version of an object was committed."""
        source = self.objects.get(path)
        return source is not None and source.etag == etag

    def other_layout(self, wanted: str) -> str:
        """Return how the table's layout differs from a feed's; empty if it does not or the table is new."""
        if self.layout in ("", wanted):
            return ""
        return f"the table's layout is {self.layout}, the feed's is {wanted}"
