"""How the text of CSV objects is written."""

from collections import Counter
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from lakewright.config import Model
from transforms.csv.dialects.dialect import NONE, Dialect
from transforms.csv.text_encoding import encode, kind_of, unit_bytes
from transforms.header_names import name_key, trimmed

_MOST_LINES: Final = 1000


def _require_texts(written: Any) -> Any:
    if isinstance(written, list | tuple) and None in written:
        raise ValueError('YAML reads NULL, null and ~ as nothing; write null markers in quotes: ["NULL"]')
    return written


NullTexts = Annotated[tuple[str, ...], BeforeValidator(_require_texts)]


class CsvOptions(Model):
    """Options of the CSV text."""

    delimiter: str = Field(default=",", description="Field delimiter, one or more characters.")
    quote: Literal['"', "'", "none"] = Field(
        default='"', description="The character that encloses fields; none: quotes are data."
    )
    escape: Literal["none", "\\", "mysql", "postgres", "spark"] = Field(
        default="none",
        description="What a backslash means. none: it is data. \\: the next character is literal. mysql, postgres, "
        "spark: as these write it.",
    )
    comment: str = Field(default="none", description="Character that begins lines to skip, or none.")
    trailing_delimiter: Literal["refuse", "allow"] = Field(
        default="refuse", description="Whether a record may end with a delimiter after its last field."
    )
    skip_initial_space: bool = Field(
        default=False, description="Whether spaces and tabs at the beginning of a field are dropped."
    )
    encoding: str = Field(
        default="UTF-8",
        description="Character encoding: a text encoding of Python, such as UTF-8, UTF-16, windows-1252, Shift_JIS.",
    )
    header: bool = Field(default=True, description="Whether the first record names the columns.")
    names: tuple[str, ...] = Field(
        default=(),
        description="With header: false, the names of all fields by position; without them, the fields are the "
        "declared columns in their order.",
    )
    skip_lines: int = Field(
        default=0, ge=0, le=_MOST_LINES, description="How many lines precede the header, or the first record."
    )
    separator_line: bool = Field(
        default=False, description="Whether the first line may be sep= and the delimiter, as Excel writes it."
    )
    footer_lines: int = Field(
        default=0,
        ge=0,
        le=_MOST_LINES,
        description="How many lines at the end are not records; blank lines do not count.",
    )
    multiline: bool = Field(
        default=True,
        description="Whether quoted fields may contain line breaks. If false, each line is a record.",
    )
    null_text: NullTexts = Field(
        default=(), description="Texts that are read as null, in addition to unquoted empty fields."
    )
    quoted_null: bool = Field(default=True, description="Whether a quoted null_text is null, too; if not, it is text.")
    date_format: str = Field(default="yyyy-MM-dd", description="Pattern of dates, in Spark's pattern letters.")
    timestamp_format: str = Field(
        default="yyyy-MM-dd HH:mm:ss[.SSSSSS]", description="Pattern of timestamps, in Spark's pattern letters."
    )
    timezone: str = Field(default="UTC", description="Time zone of timestamps without an offset.")
    decimal_separator: Literal[".", ","] = Field(default=".", description="Decimal separator of numbers.")

    @field_validator("delimiter")
    @classmethod
    def _tab(cls, delimiter: str) -> str:
        # YAML reads '\t' and a bare \t as two characters. No delimiter begins with a backslash, so this is unambiguous.
        return "\t" if delimiter == r"\t" else delimiter

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        kind_of(encoding)
        return encoding

    @field_validator("names")
    @classmethod
    def _distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        stripped = tuple(map(trimmed, names))
        counts = Counter(name_key(name) for name in stripped if name)
        if repeated := [name for name in stripped if counts[name_key(name)] > 1]:
            raise ValueError(f"{repeated[0]!r} is repeated; names are compared without case")
        return stripped

    @model_validator(mode="after")
    def _is_consistent(self) -> "CsvOptions":
        if not self.multiline and unit_bytes(self.encoding) > 1:
            raise ValueError(f"{self.encoding} text needs multiline: true")
        if self.names and self.header:
            raise ValueError("names need header: false; with a header, its names are those of the columns")
        if problem := self.dialect().problem():
            raise ValueError(problem)
        for option, written in (("delimiter", self.delimiter), ("comment", self.comment)):
            try:
                encode(written, self.encoding)
            except UnicodeEncodeError:
                raise ValueError(f"{self.encoding} text cannot have the {option} {written!r}") from None
        if self.escape != NONE and len(encode("\\", self.encoding)) > unit_bytes(self.encoding):
            raise ValueError(
                f"{self.encoding} reads the byte of a backslash as another character, so that escape: {self.escape} "
                "would never apply; use Shift_JIS or cp932"
            )
        return self

    def dialect(self) -> Dialect:
        """Return which characters structure the text."""
        return Dialect(
            self.delimiter, self.quote, self.escape, self.comment, self.trailing_delimiter, self.skip_initial_space
        )

    def for_corrections(self) -> "CsvOptions":
        """Return the options of objects with corrected records, which have nothing before the header or at the end."""
        return self.model_copy(update={"skip_lines": 0, "separator_line": False, "footer_lines": 0})
