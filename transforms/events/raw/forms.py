"""The form of records that a feed declares: envelopes, JSON in strings, attributes kept whole. No pyspark.

Records in such a form are rewritten to plain ones as text, so that all other rules apply to them unchanged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import msgspec

from transforms.events.lines import Line, RejectedLine, SkippedLine, check_json, is_blank
from transforms.events.raw.envelopes import Envelope, unwrap
from transforms.events.raw.faults import BrokenRecordError, SkippedRecordError
from transforms.events.raw.members import BLANKS, RepeatedKeyError, read_members, write_members
from transforms.key_paths import write_path

Path = tuple[str, ...]

#: The path of the whole record.
WHOLE: Final[Path] = ()
_NULL: Final = b"null"


@dataclass
class RewrittenLines:
    """Records as plain ones.

    Attributes:
        texts: The rewritten text of each record that has the declared form.
        lines: The line of each of these, with its original text.
        rejected: The lines of other records.
        skipped: The lines of records that are not rows.
        blank: The number of blank lines.
    """

    texts: list[bytes] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)
    skipped: list[SkippedLine] = field(default_factory=list)
    blank: int = 0


@dataclass(frozen=True)
class RecordForm:
    """The form of records that a feed declares, in the order in which it applies.

    Attributes:
        unwrap: The envelopes around a record, from the outside.
        parsed: Attributes, or ``WHOLE`` records, that are strings with JSON in them; ``WHOLE`` is parsed first.
        kept: Attributes that are kept as JSON text.
    """

    unwrap: tuple[Envelope, ...] = ()
    parsed: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Return whether records are rows as they are."""
        return not (self.unwrap or self.parsed or self.kept)

    def rewrite(self, lines: Sequence[bytes], *, after_line: int, after_record: int) -> RewrittenLines:
        """Rewrite lines; see ``transforms.events.lines.parse_lines`` for the numbers."""
        rewritten = RewrittenLines()
        for number, text in enumerate(lines, after_line + 1):
            if is_blank(text):
                rewritten.blank += 1
                continue
            try:
                rewritten.texts.append(self.rewritten(text))
            except SkippedRecordError as skipped:
                rewritten.skipped.append(SkippedLine(number, skipped.kind))
            except BrokenRecordError as broken:
                line = RejectedLine(number, broken.rule, text, broken.column, broken.words)
                rewritten.rejected.append(line)
            else:
                ordinal = after_record + number - after_line - rewritten.blank
                rewritten.lines.append(Line(number, ordinal, text))
        return rewritten

    def rewritten(self, text: bytes) -> bytes:
        """Return the text of a record as a plain one.

        Raises:
            SkippedRecordError: If it is not a row.
            BrokenRecordError: If it does not have the declared form.
        """
        try:
            if WHOLE in self.parsed:
                text = _parsed(text, None)
            if self.unwrap:
                text = unwrap(text, self.unwrap)
            return self._edits.apply(text)
        except RepeatedKeyError:
            raise BrokenRecordError("doubled_key") from None
        except UnicodeDecodeError:
            raise BrokenRecordError("encoding") from None
        except RecursionError:
            raise BrokenRecordError("nesting") from None
        except msgspec.ValidationError:
            raise BrokenRecordError("number") from None
        except (msgspec.DecodeError, ValueError):
            raise BrokenRecordError("json") from None

    @cached_property
    def _edits(self) -> "_Edits":
        edits = _Edits(WHOLE)
        for path in self.parsed:
            edits.below(path).is_parsed = path != WHOLE
        for path in self.kept:
            edits.below(path).is_kept = True
        return edits


PLAIN: Final = RecordForm()


class _Edits:
    """What to do with an attribute and those below it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inner: dict[str, _Edits] = {}
        self.is_parsed = self.is_kept = False

    def below(self, path: Path) -> "_Edits":
        edits = self
        for key in path:
            edits = edits._inner.setdefault(key, _Edits((*edits._path, key)))
        return edits

    def apply(self, text: bytes) -> bytes:
        if self.is_parsed:
            text = _parsed(text, write_path(self._path))
        if self._inner and text.lstrip(BLANKS).startswith(b"{") and (members := read_members(text)) is not None:
            text = write_members(self._edited(members))
        if self.is_kept and text != _NULL:
            check_json(text)
            text = msgspec.json.encode(text.decode())
        return text

    def _edited(self, members: Mapping[str, bytes]) -> Iterable[tuple[str, bytes]]:
        for key, value in members.items():
            yield key, self._inner[key].apply(value) if key in self._inner else value


def _parsed(text: bytes, column: str | None) -> bytes:
    """Return the JSON in a string; anything else stays."""
    if not text.lstrip(BLANKS).startswith(b'"'):
        return text
    content = msgspec.json.decode(text, type=str).strip().encode()
    try:
        check_json(content)
    except msgspec.ValidationError:
        raise BrokenRecordError("number", column=column) from None
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise BrokenRecordError("json", "a string without JSON in it", column) from None
    return content
