"""A declared column of delimited text. No pyspark."""

from dataclasses import dataclass
from typing import Final

ISO_DATE: Final = "yyyy-MM-dd"
#: Ignored around numbers, booleans, dates and timestamps: spaces and control characters.
BLANKS: Final = "".join(map(chr, (*range(0x21), 0x7F)))
#: What a decoder makes of bytes that are invalid in the declared encoding.
REPLACEMENT: Final = "\ufffd"
#: Most bytes of a text that names a folder.
LONGEST_FOLDER: Final = 80
MINUS: Final = "minus"
PARENTHESES: Final = "parentheses"
TRAILING_MINUS: Final = "trailing_minus"
REJECT: Final = "reject"
#: Per type of whole numbers, their size.
BITS: Final = {"long": 64, "int": 32}
#: Names that begin like this are never columns of the data.
RESERVED_PREFIX: Final = "_lakewright_"


@dataclass(frozen=True)
class TypedColumn:
    """One declared column.

    Attributes:
        name: Its name in the input and in the output.
        type: string, long, int, double, decimal(p,s), boolean, date or timestamp.
        format: Pattern of a date or timestamp (Spark's datetime patterns).
        decimal_separator: ``.`` or ``,``, for double and decimal.
        timezone: The zone of timestamps without one, such as ``UTC`` or ``Europe/Paris``.
        null_text: Null markers.
        is_folder: Whether its values become folder names, which excludes some texts.
        thousands_separator: What may separate groups of digits: ``.``, ``,``, ``_``, a space (also a no-break or narrow
            no-break space), or ``'`` (also a right single quotation mark).
        currency: Signs; one of them may precede or follow a number, and is dropped.
        percent: Whether a percent sign may follow a number. It is dropped: ``5 %`` is 5.
        negative: How negative numbers are written: ``minus`` (``-5``), ``parentheses`` (``(5)``), ``trailing_minus``
            (``5-``).
        other_formats: Patterns for texts that ``format`` does not read, in this order.
        two_digit_year_from: The first of the 100 years that ``yy`` covers, from 1901 to 2000.
        epoch: The unit of timestamps that are numbers since 1970: seconds, millis or micros.
        excess_fraction: Whether digits of a timestamp beyond microseconds are dropped (``truncate``), or must be zero
            (``reject``).
    """

    name: str
    type: str
    format: str = ISO_DATE
    decimal_separator: str = "."
    timezone: str = "UTC"
    null_text: tuple[str, ...] = ()
    is_folder: bool = False
    thousands_separator: str = ""
    currency: tuple[str, ...] = ()
    percent: bool = False
    negative: tuple[str, ...] = (MINUS,)
    other_formats: tuple[str, ...] = ()
    two_digit_year_from: int = 2000
    epoch: str = ""
    excess_fraction: str = REJECT

    @property
    def ddl_type(self) -> str:
        """The type in Spark's syntax."""
        return "bigint" if self.type == "long" else self.type

    @property
    def precision_and_scale(self) -> tuple[int, int]:
        """Precision and scale of a decimal."""
        precision, scale = self.type.removeprefix("decimal(").removesuffix(")").split(",")
        return int(precision), int(scale)

    @property
    def formats(self) -> tuple[str, ...]:
        """The patterns of a date or timestamp, in order of preference."""
        return (self.format, *self.other_formats)

    @property
    def has_written_numbers(self) -> bool:
        """Whether numbers may be written with more than digits, a decimal separator and a sign before them."""
        return bool(self.thousands_separator or self.currency or self.percent) or self.negative != (MINUS,)
