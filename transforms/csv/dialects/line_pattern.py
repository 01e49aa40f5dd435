"""Records of one line, matched by patterns. No pyspark."""

import re
from typing import Final, NamedTuple

from transforms.csv.dialects.stand_ins import StandIns

_LAST_BLANK: Final = 0x20
#: Patterns need memory for each doubled quote; longer lines are left to a reader that does not.
_LONGEST: Final = 1 << 14


class MatchedLine(NamedTuple):
    """A record of one line.

    Attributes:
        end: Offset after its line end.
        rewritten: The record, quoted so that every parser reads it in the same way; None if it is misquoted.
    """

    end: int
    rewritten: bytes | None


class LinePattern:
    """Matches records of one line; the quoting rules are those of ``transforms.csv.quotes``."""

    def __init__(self, stand_ins: StandIns) -> None:
        delimiter, line_end = stand_ins.cut, stand_ins.line_end.encode()
        skipped = stand_ins.dialect.skipped_blanks.encode()
        self._stand_ins, self._line_end, self._skipped = stand_ins, line_end, skipped
        self._is_after_return = line_end == b"\n"
        cut, end = re.escape(delimiter), re.escape(line_end)
        self._blanks = bytes(code for code in range(_LAST_BLANK + 1) if bytes([code]) not in (delimiter, line_end))
        blanks = b"".join(re.escape(bytes([code])) for code in self._blanks)
        quoted = rb'"[^"%b]*(?:""[^"%b]*)*"(?!")' % (end, end)
        skip = rb"[%b]*" % re.escape(skipped) if skipped else b""
        not_quoted = rb'(?!%b")' % skip if skip else b""
        plain = rb'%b[^"%b%b][^%b%b]*' % (not_quoted, cut, end, cut, end)
        well_quoted = rb"(?:%b%b[%b]*|%b|)" % (skip, quoted, blanks, plain)
        any_field = rb"(?:%b%b[^%b%b]*|%b|)" % (skip, quoted, cut, end, plain)
        self._well_quoted = re.compile(rb"%b(?:%b%b)*%b" % (well_quoted, cut, well_quoted, end))
        self._any = re.compile(rb"%b(?:%b%b)*%b" % (any_field, cut, any_field, end))
        padded = rb'(?:%b%b[%b]*|[^"%b%b]*)' % (skip, quoted, blanks, cut, end)
        self._padded = re.compile(rb"%b(?:%b%b)*%b" % (padded, cut, padded, end))
        self._fields = re.compile(rb"%b(%b)[%b]*|(%b)" % (skip, quoted, blanks, plain))

    def match(self, text: bytes, begin: int) -> MatchedLine | None:
        """Match the record at an offset; None if it is open at its line end, or long."""
        if line := self._padded.match(text, begin, begin + _LONGEST):
            # All quotes open or close a field, or are doubled: after each second one, the text is outside quotes.
            parts = self._record(line).split(b'"')
            parts[2::2] = [part.lstrip(self._blanks) for part in parts[2::2]]
            return MatchedLine(line.end(), self._ended(line, b'"'.join(parts)))
        if line := self._well_quoted.match(text, begin, begin + _LONGEST):
            rewritten = self._fields.sub(self._rewritten_field, self._record(line))
            return MatchedLine(line.end(), self._ended(line, rewritten))
        line = self._any.match(text, begin, begin + _LONGEST)
        return MatchedLine(line.end(), None) if line else None

    def _record(self, line: re.Match[bytes]) -> bytes:
        record = line.group().removesuffix(self._line_end)
        return record.removesuffix(b"\r") if self._is_after_return else record

    def _ended(self, line: re.Match[bytes], rewritten: bytes) -> bytes:
        """Return a rewritten record with the line end as written, before which a carriage return may be data."""
        return rewritten + line.group()[len(self._record(line)) :] if rewritten else b""

    def _rewritten_field(self, field: re.Match[bytes]) -> bytes:
        quoted, plain = field.groups()
        if quoted is not None:
            return bytes(quoted)
        return self._stand_ins.plain(plain.lstrip(self._skipped)) if b'"' in plain else bytes(plain)
