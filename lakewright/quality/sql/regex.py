r"""Regular expressions that RE2 (DuckDB), Java (Spark) and Python (pandas) read alike, except on rare texts.

A pattern is parsed and written again in two readings: what every engine matches, and what any engine might match. They
differ where ``\d``, ``\w`` and ``\s`` may include characters beyond ASCII, where ``.`` may include line separators, and
where ``$`` may match before a final line end. A text is doubtful if only the second reading matches it. The first
never matches more than the second, because nothing in the accepted syntax negates one of these.
"""

import string
from dataclasses import dataclass
from typing import Final, NamedTuple

#: RE2 refuses more repetitions than this, multiplied over nested groups.
_MAX_REPETITIONS: Final = 1000
_LINE_ENDS: Final = r"\n\r\x{85}\x{2028}\x{2029}"
_BEYOND_ASCII: Final = r"\x{80}-\x{10FFFF}"
_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_OPERATORS_IN_CLASSES: Final = ("&&", "||", "--", "~~")


class UnsharedSyntaxError(ValueError):
    """Raised when engines might read a pattern differently; says where."""


class Reading(NamedTuple):
    """A pattern in the syntax that RE2 and Java share: what it matches at least, and at most."""

    least: str
    most: str


_CLASSES: Final = {
    "d": Reading("0-9", "0-9" + _BEYOND_ASCII),
    "w": Reading("0-9A-Z_a-z", "0-9A-Z_a-z" + _BEYOND_ASCII),
    "s": Reading(r"\t\n\f\r\x{20}", r"\t-\r\x{1c}-\x{20}" + _BEYOND_ASCII),
}
_ANY: Final = Reading(f"[^{_LINE_ENDS}]", r"[^\n]")
_START: Final = Reading(r"\A", r"\A")
_END: Final = Reading(r"\z", rf"(?:\r\n|[{_LINE_ENDS}])?\z")


@dataclass(frozen=True)
class _Part:
    """A part of a pattern.

    Attributes:
        may_be_empty: Whether it can match the empty text.
        is_group: Whether it is a group, which Java and Python repeat by recursion.
        repetitions: The product of the nested repetitions.
    """

    reading: Reading
    may_be_empty: bool = False
    is_group: bool = False
    repetitions: int = 1


def read_regex(pattern: str) -> Reading:
    """Return the two readings of a pattern.

    Raises:
        UnsharedSyntaxError: If it has syntax that the engines do not share.
    """
    parser = _Parser(pattern)
    part = parser.alternatives(outermost=True)
    if parser.rest:
        raise UnsharedSyntaxError("')' without '('")
    return part.reading


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.rest = pattern

    def alternatives(self, *, outermost: bool = False) -> _Part:
        parts = [self._sequence(outermost=outermost)]
        while self._skip("|"):
            parts.append(self._sequence(outermost=outermost))
        return _Part(
            _joined("|", parts),
            may_be_empty=any(part.may_be_empty for part in parts),
            repetitions=max(part.repetitions for part in parts),
        )

    def _sequence(self, *, outermost: bool) -> _Part:
        parts: list[_Part] = []
        while self.rest and self.rest[0] not in "|)":
            if self._skip("^"):
                parts.append(_Part(_START, may_be_empty=True))
            elif self._skip("$"):
                if not outermost or self.rest[:1] not in ("", "|"):
                    raise UnsharedSyntaxError("'$' is not at the end")
                parts.append(_Part(_END, may_be_empty=True))
            else:
                parts.append(self._repeated(self._atom()))
                continue
            if self.rest[:1] in {"*", "+", "?", "{"}:
                raise UnsharedSyntaxError("an anchor is repeated")
        return _Part(
            _joined("", parts),
            may_be_empty=all(part.may_be_empty for part in parts),
            repetitions=max((part.repetitions for part in parts), default=1),
        )

    def _atom(self) -> _Part:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return _Part(self._class())
        if char == ".":
            return _Part(_ANY)
        if char == "\\":
            escaped = self._escaped()
            return _Part(_in_brackets(_CLASSES[escaped]) if escaped in _CLASSES else _literal(escaped[-1]))
        if char in "*+?{}]":
            raise UnsharedSyntaxError(f"{char!r} without a backslash")
        return _Part(_literal(char))

    def _group(self) -> _Part:
        if self.rest.startswith("?") and not self._skip("?:"):
            raise UnsharedSyntaxError(f"'({self.rest[:2]}'")
        part = self.alternatives()
        if not self._skip(")"):
            raise UnsharedSyntaxError("'(' without ')'")
        reading = Reading(f"(?:{part.reading.least})", f"(?:{part.reading.most})")
        return _Part(reading, part.may_be_empty, is_group=True, repetitions=part.repetitions)

    def _repeated(self, part: _Part) -> _Part:
        """Read what repeats a part. Whether a repetition is lazy makes no difference to whether a text matches."""
        bounds = self._bounds()
        if bounds is None:
            return part
        least, most = bounds
        if self.rest[:1] in {"*", "+", "{"}:
            raise UnsharedSyntaxError("a repetition is repeated or possessive")
        self._skip("?")
        if self.rest[:1] in {"*", "+", "?", "{"}:
            raise UnsharedSyntaxError("a repetition is repeated")
        if part.is_group and most is None:
            raise UnsharedSyntaxError("a group is repeated without a limit")
        if part.may_be_empty and most != 1:
            raise UnsharedSyntaxError("what may be empty is repeated")
        repetitions = part.repetitions * max(least, most or 1, 1)
        if repetitions > _MAX_REPETITIONS:
            raise UnsharedSyntaxError(f"it repeats more than {_MAX_REPETITIONS} times")
        suffix = f"{{{least},{'' if most is None else most}}}"
        reading = Reading(part.reading.least + suffix, part.reading.most + suffix)
        return _Part(reading, part.may_be_empty or least == 0, part.is_group, repetitions)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._skip(sign):
                return bounds
        if not self._skip("{"):
            return None
        text, brace, self.rest = self.rest.partition("}")
        least, comma, most = text.partition(",")
        if not brace or not _is_number(least) or (most and not _is_number(most)):
            raise UnsharedSyntaxError("'{' without a number")
        if not comma:
            return int(least), int(least)
        if most and int(most) < int(least):
            raise UnsharedSyntaxError("a repetition ends before it begins")
        return int(least), int(most) if most else None

    def _class(self) -> Reading:
        negated = self._skip("^")
        items: list[Reading] = []
        while not self._skip("]"):
            if self.rest.startswith(_OPERATORS_IN_CLASSES):
                raise UnsharedSyntaxError(f"'{self.rest[:2]}' in a class")
            item = self._class_item()
            if item in _CLASSES:
                if negated:
                    raise UnsharedSyntaxError(f"a negated '\\{item}'")
                if self.rest.startswith("-") and not self.rest.startswith("-]"):
                    raise UnsharedSyntaxError("a range without a beginning")
                items.append(_CLASSES[item])
            elif self.rest.startswith("-") and not self.rest.startswith("-]"):
                self._skip("-")
                last = self._class_item()
                if last in _CLASSES or last[-1] < item[-1]:
                    raise UnsharedSyntaxError("a range without an end")
                items.append(_range(item[-1], last[-1]))
            else:
                items.append(_literal(item[-1]))
        if not items:
            raise UnsharedSyntaxError("an empty class")
        body = Reading("".join(item.least for item in items), "".join(item.most for item in items))
        return _in_brackets(body, "^" if negated else "")

    def _class_item(self) -> str:
        char = self._next()
        if char == "\\":
            return self._escaped()
        if char == "[":
            raise UnsharedSyntaxError("'[' in a class")
        return "\\" + char

    def _escaped(self) -> str:
        r"""Return what follows a backslash: ``d``, ``w`` or ``s``, or a character with a backslash before it."""
        char = self._next()
        if char in _CLASSES:
            return char
        if char in _CONTROLS:
            return "\\" + _CONTROLS[char]
        if char not in string.punctuation:
            raise UnsharedSyntaxError(f"'\\{char}'")
        return "\\" + char

    def _next(self) -> str:
        if not self.rest:
            raise UnsharedSyntaxError("it ends too early")
        char, self.rest = self.rest[0], self.rest[1:]
        return char

    def _skip(self, text: str) -> bool:
        if not self.rest.startswith(text):
            return False
        self.rest = self.rest.removeprefix(text)
        return True


def _joined(separator: str, parts: list[_Part]) -> Reading:
    return Reading(
        separator.join(part.reading.least for part in parts), separator.join(part.reading.most for part in parts)
    )


def _in_brackets(body: Reading, sign: str = "") -> Reading:
    return Reading(f"[{sign}{body.least}]", f"[{sign}{body.most}]")


def _literal(char: str) -> Reading:
    text = _written(char)
    return Reading(text, text)


def _range(first: str, last: str) -> Reading:
    text = f"{_written(first)}-{_written(last)}"
    return Reading(text, text)


def _written(char: str) -> str:
    """Return a character as a pattern has it, by its code unless it is a letter or digit of ASCII."""
    return char if char.isascii() and char.isalnum() else f"\\x{{{ord(char):x}}}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
