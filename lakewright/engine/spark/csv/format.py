"""CSV as a format of source objects: headers bound to the declared columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lakewright.csv.binding import bind_columns
from lakewright.csv.objects import CsvOptions, Header, look_through, read_heads, refused_among
from lakewright.engine.spark.csv.reading import CsvReading
from lakewright.engine.spark.rows import TextRows
from lakewright.log.records import SourceObject
from lakewright.runs.job import Version
from lakewright.sources.reader import Found, Look
from lakewright.storage.lake import Lake
from transforms.errors import HeaderError


@dataclass(frozen=True)
class CsvFormat:
    """See ``lakewright.sources.reader.Format``; the head of an object is its header, None if it has no text at all.

    Attributes:
        options: How the text is written.
        names: The name in the header of each declared column.
        on_extra_column: What becomes of objects whose headers have other columns.
        shows_values: Whether the reason for which an object is refused may quote its values.
    """

    options: CsvOptions
    names: Mapping[str, str]
    on_extra_column: Literal["ignore", "refuse"] = "ignore"
    shows_values: bool = False

    def look(self, lake: Lake, objects: Sequence[Found], known: Mapping[Version, Header | None]) -> Look:
        """See ``Format.look``."""
        new = [found for found in objects if (found.path, found.etag) not in known]
        read = read_heads(lake, [(found.path, found.size) for found in new], self.options)
        heads = {**known, **{(found.path, found.etag): read.headers.get(found.path) for found in new}}
        refused = dict(read.refused)
        extra_columns: Counter[str] = Counter()
        for found in objects:
            header = heads[found.path, found.etag]
            if header is None or found.path in refused:
                continue
            try:
                extra = self._extra_columns(header)
            except HeaderError as error:
                refused[found.path] = str(error)
            else:
                extra_columns.update(extra)
        return Look(heads, refused, dict(extra_columns))

    def find_damage(self, lake: Lake, objects: Sequence[Found], heads: Look) -> dict[str, str]:
        """See ``Format.find_damage``."""
        headers = {found.path: heads.of[found.path, found.etag] for found in objects}
        return refused_among(
            {path: look_through(lake, path, header, self.options) for path, header in headers.items() if header}
        )

    def open(self, lake: Lake, objects: Sequence[SourceObject], heads: Look) -> TextRows:
        """See ``Format.open``; objects without any text have no rows."""
        headers = {taken.path: heads.of[taken.path, taken.etag] for taken in objects}
        with_text = [taken for taken in objects if headers[taken.path] is not None]
        return TextRows(CsvReading(lake, with_text, headers, self.options, self.names))

    def _extra_columns(self, header: Header) -> list[str]:
        _, extra = bind_columns(header, self.names, shows_values=self.shows_values)
        if extra and self.on_extra_column == "refuse":
            raise HeaderError(f"the header has columns that are not declared: {', '.join(map(repr, extra))}")
        return extra
