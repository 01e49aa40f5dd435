r"""The dialect of CSV text: which characters structure it. No pyspark.

A text is read in this order:

- *Escapes.* What a backslash means depends on ``escape``:

  - ``none``: it is data.
  - ``\``: the next character is literal, in quoted and unquoted fields: a quote, delimiter or backslash is data.
  - ``mysql``: the same, except ``\0`` NUL, ``\b`` backspace, ``\n`` LF, ``\r`` CR, ``\t`` tab, ``\Z`` U+001A.
  - ``postgres``: the same, except ``\b`` ``\f`` ``\n`` ``\r`` ``\t`` ``\v``, the byte ``\1`` to ``\377`` (up to three
    octal digits) and the byte ``\x1`` to ``\xff`` (one or two hexadecimal digits); bytes are UTF-8.
  - ``spark``: in quoted fields, ``\"`` (with the declared ``quote``) is a quote and ``\\`` a backslash; any other
    backslash is data, and so are all in unquoted fields.

  Except with ``spark``, an escaped line end (CR LF counts as one) is data, if ``multiline``. A backslash that has
  nothing to escape, because the object ends or the line does without ``multiline``, makes its record *misquoted*; so is
  a line ``\.``, the end of the data, with ``postgres``.
- *Delimiters.* One of several characters is found from left to right: ``a|||b`` is ``a`` and ``|b`` with ``||``. A
  backslash escapes its first character.
- *Comments.* A line outside quoted fields whose first character is ``comment`` is skipped.
- *Fields*, as ``transforms.csv.quotes`` defines them. With ``skip_initial_space``, spaces and tabs at the beginning of
  a field are dropped; a field that begins with a quote after them is quoted.
- *Null.* An unquoted empty field is null. With ``\``, ``mysql`` and ``postgres``, so is an unquoted ``\N``; with the
  latter two, an unquoted empty field is an empty string instead.
- *Records.* With ``trailing_delimiter: allow``, a record may have one field more than the header if it is empty and
  unquoted.
"""

from dataclasses import dataclass
from typing import Final

NONE: Final = "none"
BACKSLASH: Final = "\\"
#: The escapes that also apply outside quotes.
EVERYWHERE: Final = (BACKSLASH, "mysql", "postgres")
#: The escapes after which letters and digits mean something else.
WITH_LETTERS: Final = ("mysql", "postgres")
_SPACES: Final = " \t"


@dataclass(frozen=True)
class Dialect:
    """Which characters structure a text; see the module.

    Attributes:
        delimiter: One or more characters.
        quote: A double or single quote, or none.
        escape: What a backslash means.
        comment: One character, or none.
        trailing_delimiter: refuse or allow.
        skip_initial_space: Whether spaces at the beginning of a field are dropped.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = NONE
    comment: str = NONE
    trailing_delimiter: str = "refuse"
    skip_initial_space: bool = False

    @property
    def skipped_blanks(self) -> str:
        """The characters that are dropped at the beginning of a field."""
        return "".join(blank for blank in _SPACES if blank != self.delimiter) if self.skip_initial_space else ""

    @property
    def comment_mark(self) -> str:
        """The character that begins a comment; empty if there are none."""
        return "" if self.comment == NONE else self.comment

    @property
    def escapes_everywhere(self) -> bool:
        """Whether backslashes escape in unquoted fields as well."""
        return self.escape in EVERYWHERE

    @property
    def empty_is_null(self) -> bool:
        """Whether an unquoted empty field is null."""
        return self.escape not in WITH_LETTERS

    @property
    def allows_trailing_delimiter(self) -> bool:
        """Whether a record may end with a delimiter after its last field."""
        return self.trailing_delimiter == "allow"

    def problem(self) -> str:
        """Return why no text can be read in this dialect; empty if it can."""
        delimiter, mark = self.delimiter, self.comment_mark
        if not delimiter or any(character in '"\r\n\\' for character in delimiter):
            return (
                f"the delimiter must be one or more characters other than a quote, backslash or line end, not "
                f'{delimiter!r}; in YAML, use double quotes: "\\t" is a tab, "\\x01" is Ctrl-A, "|" is a pipe'
            )
        if self.quote in delimiter:
            return f"the delimiter {delimiter!r} contains the quote {self.quote!r}; use another quote, or none"
        if self.escape in WITH_LETTERS and any(character.isalnum() for character in delimiter):
            return f"the delimiter {delimiter!r} contains a letter or digit, which escape: {self.escape} reads as one"
        if self.escape == "spark" and self.quote == NONE:
            return "escape: spark applies only in quoted fields; set a quote, or another escape"
        if len(mark) > 1 or (mark and mark in "\"'\r\n\\"):
            return f"comment must be one character other than a quote, backslash or line end, or none, not {mark!r}"
        if mark.isalnum() and self.escape in WITH_LETTERS:
            return f"comment {mark!r} is a letter or digit, which escape: {self.escape} reads as one after a backslash"
        if mark and mark in delimiter:
            return f"the delimiter {delimiter!r} contains {mark!r}, which begins a comment; use another character"
        if mark and mark in self.skipped_blanks:
            return f"comment {mark!r} is a blank, which skip_initial_space drops"
        return ""
