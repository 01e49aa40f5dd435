"""A plain reader of the specification in ``transforms.csv.dialects.dialect``: one character after the other.

It shares no code with what it is compared with.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.transforms.csv.reading import Reading
from transforms.csv.text_layout import TextLayout
from transforms.header_names import BLANKS

LETTERS = {
    "mysql": {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"},
    "postgres": {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"},
}


class Token(NamedTuple):
    """What is read at once: ``data``, ``escaped``, ``cut short`` (an escape), ``delimiter``, ``quote`` or ``end``."""

    kind: str
    text: str
    value: bytes = b""


@dataclass
class Cell:
    tokens: list[Token] = field(default_factory=list)
    value: bytes = b""
    is_quoted: bool = False


@dataclass
class Record:
    begin: int
    line: int
    text: str
    cells: list[Cell] = field(default_factory=list)
    is_misquoted: bool = False
    is_open: bool = False


class UnclearError(Exception):
    def __init__(self, line: int) -> None:
        self.line = line


class PlainReader:
    def __init__(self, layout: TextLayout) -> None:
        self.layout, self.dialect = layout, layout.dialect
        self.used = self.at = 0
        self.quote = "" if self.dialect.quote == "none" else self.dialect.quote
        self.blanks = [blank for blank in " \t" if self.dialect.skip_initial_space and blank != self.dialect.delimiter]
        self.everywhere = self.dialect.escape in ("\\", "mysql", "postgres")

    def read(self, text: str) -> Reading:
        reading, is_header, position, line, is_open = Reading(), self.layout.has_header, 0, 1, False
        while text.startswith("\ufeff", position):
            position += 1
        tokens = self.tokens(text[position:])
        try:
            while tokens:
                begin, record = position, self.record(tokens, position, line, is_open=is_open)
                raw = "".join(token.text for token in tokens[: self.used])
                tokens, position = tokens[self.used :], position + len(raw)
                line += raw.count(self.layout.line_end)
                is_comment = self.dialect.comment != "none" and raw.startswith(self.dialect.comment) and not is_open
                is_open = record.is_open and not self.layout.multiline and not is_comment
                if is_comment:
                    reading.skipped["comment"] += 1
                elif not record.text:
                    continue
                elif is_header:
                    is_header = False
                else:
                    self.judge(record, len(text[:begin].encode(self.layout.encoding)), reading)
        except UnclearError as error:
            return Reading(unclear=error.line)
        return reading

    def tokens(self, text: str) -> list[Token]:
        tokens, position = [], 0
        while position < len(text):
            token = self.token(text, position)
            tokens.append(token)
            position += len(token.text)
        return tokens

    def token(self, text: str, at: int) -> Token:
        if text[at] == "\\" and self.everywhere:
            return self.escape(text, at)
        if text[at] == "\\" and self.dialect.escape == "spark" and text[at + 1 : at + 2] in (self.quote, "\\"):
            return Token("escaped", text[at : at + 2], text[at + 1].encode())
        if end := self.line_end(text, at):
            return Token("end", end)
        if text.startswith(self.dialect.delimiter, at):
            return Token("delimiter", self.dialect.delimiter)
        if text[at] == self.quote:
            return Token("quote", text[at])
        return Token("data", text[at])

    def line_end(self, text: str, at: int) -> str:
        if self.layout.line_end == "\r":
            return "\r" if text[at] == "\r" else ""
        if text[at] == "\r" and text[at + 1 : at + 2] in ("", "\n"):
            return text[at : at + 2]
        return "\n" if text[at] == "\n" else ""

    def escape(self, text: str, at: int) -> Token:
        after = text[at + 1 :]
        if not after:
            return Token("cut short", "\\")
        if end := self.line_end(text, at + 1):
            if not self.layout.multiline or not end.endswith(self.layout.line_end):
                return Token("cut short", "\\")
            return Token("escaped", "\\" + end, end.encode())
        if self.dialect.escape == "postgres":
            octal = self.leading(after[:3], "01234567")
            if octal:
                return Token("escaped", "\\" + octal, bytes([int(octal, 8) % 256]))
            if after[0] == "x" and (digits := self.leading(after[1:3], "0123456789abcdefABCDEF")):
                return Token("escaped", "\\x" + digits, bytes([int(digits, 16)]))
        value = LETTERS.get(self.dialect.escape, {}).get(after[0], after[0])
        return Token("escaped", "\\" + after[0], value.encode())

    def leading(self, text: str, digits: str) -> str:
        return text[: next((place for place, character in enumerate(text) if character not in digits), len(text))]

    def record(self, tokens: list[Token], position: int, line: int, *, is_open: bool) -> Record:
        """Read a record, and note how many tokens it has."""
        if self.dialect.comment != "none" and tokens[0].text.startswith(self.dialect.comment) and not is_open:
            self.used = next((n for n, token in enumerate(tokens, 1) if token.kind == "end"), len(tokens))
            return Record(position, line, "".join(token.text for token in tokens[: self.used]))
        if self.layout.multiline:
            record, self.used = self.fields(tokens, position, line, may_cross=True)
            return record
        length = next((n for n, token in enumerate(tokens, 1) if token.kind == "end"), len(tokens))
        own = tokens[:length]
        if is_open and self.looks_like_a_record(own):
            raise UnclearError(line)
        alone, self.used = self.fields(own, position, line, may_cross=False)
        alone.is_misquoted |= alone.is_open
        if is_open:
            alone.is_misquoted |= any(
                token.kind == "quote" for cell in alone.cells if not cell.is_quoted for token in cell.tokens
            )
        after, _ = self.fields(own, position, line, may_cross=False, is_open=is_open)
        alone.is_open = after.is_open
        return alone

    def looks_like_a_record(self, tokens: list[Token]) -> bool:
        kinds = [token.kind for token in tokens if token.kind != "end"]
        count = kinds.count("delimiter")
        if self.dialect.trailing_delimiter == "allow" and kinds and kinds[-1] == "delimiter":
            count = min(count, len(self.layout.names) - 1)
        return "quote" not in kinds and count == len(self.layout.names) - 1 and bool(kinds)

    def fields(
        self, tokens: list[Token], position: int, line: int, *, may_cross: bool, is_open: bool = False
    ) -> tuple[Record, int]:
        """Read the fields of a record, and return how many tokens it has."""
        record, self.at = Record(position, line, ""), 0
        while True:
            if not is_open:
                while self.kind(tokens) == "data" and tokens[self.at].text in self.blanks:
                    self.at += 1
            if is_open or self.kind(tokens) == "quote":
                self.at += not is_open
                cell = self.quoted_cell(record, tokens, may_cross=may_cross)
            else:
                cell = self.plain_cell(tokens)
            is_open = False
            record.cells.append(cell)
            if self.kind(tokens) == "end":
                record.text = "".join(token.text for token in tokens[: self.at])
                record.is_misquoted |= self.at > 0 and tokens[self.at - 1].kind == "cut short"
                record.is_misquoted |= self.dialect.escape == "postgres" and record.text == "\\."
                return record, min(self.at + 1, len(tokens))
            self.at += 1

    def kind(self, tokens: list[Token]) -> str:
        return tokens[self.at].kind if self.at < len(tokens) else "end"

    def plain_cell(self, tokens: list[Token]) -> Cell:
        cell = Cell()
        while self.kind(tokens) not in ("delimiter", "end"):
            token = tokens[self.at]
            is_escaped = token.kind == "escaped" and self.dialect.escape != "spark"
            cell.tokens.append(token)
            cell.value += token.value if is_escaped else token.text.encode()
            self.at += 1
        return cell

    def quoted_cell(self, record: Record, tokens: list[Token], *, may_cross: bool) -> Cell:
        """Read a field after its opening quote, and what follows its closing quote."""
        cell, begins = Cell(is_quoted=True), self.at
        opened = record.line + "".join(token.text for token in tokens[:begins]).count(self.layout.line_end)
        while not self.closes(tokens):
            if self.at == len(tokens) or (tokens[self.at].kind == "end" and not may_cross):
                if may_cross:
                    raise UnclearError(opened)
                record.is_open = True
                return cell
            token = tokens[self.at]
            if self.is_line_end(token) and record.is_misquoted:
                raise UnclearError(opened)
            cell.value += token.value or token.text.encode()
            self.at += 1 + (token.kind == "quote")
        crosses = any(self.is_line_end(token) for token in tokens[begins : self.at])
        self.at += 1
        while self.kind(tokens) not in ("delimiter", "end"):
            if tokens[self.at].kind != "data" or tokens[self.at].text > " ":
                record.is_misquoted = True
                if crosses:
                    raise UnclearError(opened)
            self.at += 1
        return cell

    def closes(self, tokens: list[Token]) -> bool:
        kinds = [token.kind for token in tokens[self.at : self.at + 2]]
        return kinds[:1] == ["quote"] and kinds != ["quote", "quote"]

    def is_line_end(self, token: Token) -> bool:
        return token.kind == "end" and token.text.endswith(self.layout.line_end)

    def judge(self, record: Record, position: int, reading: Reading) -> None:
        if record.is_misquoted:
            reading.faults.append(("quote", position, record.text, None))
            return
        values = [self.value(cell) for cell in record.cells]
        last = record.cells[-1]
        is_extra = len(values) == len(self.layout.names) + 1 and not last.is_quoted and not last.tokens
        if is_extra and self.dialect.trailing_delimiter == "allow":
            del values[-1]
        if len(values) != len(self.layout.names):
            reading.faults.append(("field_count", position, record.text, None))
            return
        fields = {name: values[place] for name, place in self.layout.wanted.items()}
        if all(self.names(fields[name], place) for name, place in self.layout.wanted.items()):
            reading.faults.append(("repeated_header", position, record.text, fields))
        else:
            reading.rows.append((fields, record.text, position))

    def names(self, value: str | None, place: int) -> bool:
        return value is not None and value.replace("\ufeff", "").strip(BLANKS) == self.layout.names[place]

    def value(self, cell: Cell) -> str | None:
        if not cell.is_quoted:
            if not cell.tokens and self.dialect.escape not in ("mysql", "postgres"):
                return None
            if self.everywhere and [(token.kind, token.text) for token in cell.tokens] == [("escaped", "\\N")]:
                return None
        return cell.value.decode(errors="replace")
