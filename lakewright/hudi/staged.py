"""The staged batch of a Hudi table, as stored in its commit."""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from lakewright.log.records import Record
from lakewright.runs.job.batch import Staged


class LoadInPlace(Record, frozen=True, tag_field="kind", tag="load_in_place"):
    """A full load that creates the table: its rows are written directly from the source files."""


class StagedChanges(Record, frozen=True, tag_field="kind", tag="staged_changes"):
    """Changes, one per key, in a subfolder of the attempt's folder."""

    part: str


@dataclass(frozen=True)
class StagedForHudi(Staged):
    """See ``Staged``.

    Attributes:
        columns: Types by column of the table.
        rows: The location of the rows to write.
        updates: Number of rows to write that are updates by the source.
    """

    columns: dict[str, str] = field(default_factory=dict)
    rows: LoadInPlace | StagedChanges = field(default_factory=LoadInPlace)
    updates: int = 0

    def dump(self) -> str:
        """Serialize it for a commit's metadata."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def load(cls, text: str) -> "StagedForHudi":
        """Parse it from a commit's metadata."""
        return _DECODER.decode(text)


#: Built on import; see ``lakewright.log.entries``.
_DECODER: Final = msgspec.json.Decoder(StagedForHudi)
