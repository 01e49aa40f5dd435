"""CSV text of corrected rows: every column of the original's header, in the feed's format."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from lakewright.csv.heads import Header
from lakewright.csv.objects import CsvRules
from lakewright.errors import ConfigError
from lakewright.replay.edited_rows import ReplayedRow
from transforms.csv.dialects.written_records import RecordWriter, UnwritableError
from transforms.csv.text_blocks import read_blocks
from transforms.csv.text_encoding import encode, mark_of
from transforms.csv.text_layout import TextLayout
from transforms.errors import DataError
from transforms.header_names import name_key

Record = Sequence[str | None]

_REPEATED_HEADER = "repeated_header"


@dataclass(frozen=True)
class CsvText:
    """Writes records as text in the feed's format, with one header."""

    rules: CsvRules
    header: Header

    def records(self, rows: Sequence[ReplayedRow]) -> list[str | UnwritableError | None]:
        """Return the text of each row, or why it has none; rows without fields are texts already.

        None if values of undeclared columns would be lost, because the current config cannot read the original record.
        """
        with_fields = [each for each in rows if each.row.fields is not None]
        whole = dict(zip(map(id, with_fields), self._records_of(with_fields), strict=True))
        return [whole.get(id(each), each.row.text) for each in rows]

    def begin(self) -> bytes:
        """Return the header's line if there is one, after a byte order mark if the encoding needs it.

        Raises:
            UnwritableError: If that is not possible.
        """
        options = self.rules.options
        header = self.encode(self._writer.header(self.header.names)) if options.header else b""
        return mark_of(options.encoding) + header

    def encode(self, record: str) -> bytes:
        r"""Return a record in the feed's encoding, with its line end, ``\n``.

        Raises:
            UnwritableError: If that is not possible.
        """
        options = self.rules.options
        if not options.multiline and "\n" in record:
            raise UnwritableError("a value has a line end, which needs source.csv.multiline: true")
        try:
            return encode(f"{record}\n", options.encoding)
        except UnicodeEncodeError:
            raise UnwritableError(f"a value has a character that {options.encoding} does not have") from None

    @cached_property
    def _writer(self) -> RecordWriter:
        return RecordWriter(self.rules.options.dialect())

    def _record(self, values: Record) -> str | UnwritableError:
        try:
            return self._writer.record(values)
        except UnwritableError as error:
            return error

    def _records_of(self, rows: Sequence[ReplayedRow]) -> list[str | UnwritableError | None]:
        positions = self._positions()
        records: list[str | UnwritableError | None] = []
        for each, written in zip(rows, self._as_written(rows), strict=True):
            values = list(written or [None] * len(self.header.names))
            for name, value in (each.row.fields or {}).items():
                if name_key(name) not in positions:
                    raise ConfigError(f"{each.row.object} has no column {name!r}; run `rebuild`")
                values[positions[name_key(name)]] = value
            declared = {positions[name_key(name)] for name in each.row.fields or {}}
            is_whole = written is not None or len(declared) == len(values)
            records.append(self._record(values) if is_whole else None)
        return records

    def _positions(self) -> dict[str, int]:
        """Return the position of each column, by its name in the header or the table, or one that the feed declares."""
        in_header = {name_key(name): place for place, name in enumerate(self.header.names) if name}
        declared: dict[str, int] = {}
        for name, alternatives in self.rules.names.items():
            keys = list(map(name_key, alternatives))
            if place := [in_header[key] for key in keys if key in in_header]:
                declared |= dict.fromkeys((name_key(name), *keys), place[0])
        return declared | in_header

    def _as_written(self, rows: Sequence[ReplayedRow]) -> list[Record | None]:
        """Return all values of each row's original record; None if it cannot be read.

        A repeated header has no values.
        """
        written = [each.row.text for each in rows if not each.row.breaks(_REPEATED_HEADER)]
        records, empty = iter(self._read(written)), [None] * len(self.header.names)
        return [empty if each.row.breaks(_REPEATED_HEADER) else next(records) for each in rows]

    def _read(self, texts: Sequence[str]) -> list[Record | None]:
        """Read records together; if these are not what is read, search for those that are not."""
        if not texts:
            return []
        layout = TextLayout(
            dialect=self.rules.options.dialect(),
            encoding="UTF-8",
            line_end="\n",
            multiline=self.rules.options.multiline,
            names=self.header.names,
            wanted={str(place): place for place in range(len(self.header.names))},
            max_record_bytes=self.rules.max_record_bytes * 4,
        )
        header = self._writer.header(self.header.names)
        lines = [f"{text}\n".encode(errors="replace") for text in (header, *texts)]
        begins = list(accumulate(map(len, lines)))[:-1]
        records: dict[int, Record] = {}
        with suppress(DataError):
            for block in read_blocks([b"".join(lines)], layout):
                places = block.positions(range(block.columns.num_rows))
                values = (list(record.values()) for record in block.columns.to_pylist())
                records |= zip(places, values, strict=True)
            if list(records) == begins:
                return list(records.values())
        if len(texts) == 1:
            return [None]
        middle = len(texts) // 2
        return [*self._read(texts[:middle]), *self._read(texts[middle:])]
