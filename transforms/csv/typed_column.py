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
    """

    name: str
    type: str
    format: str = ISO_DATE
    decimal_separator: str = "."
    timezone: str = "UTC"
    null_text: tuple[str, ...] = ()
    is_folder: bool = False

    @property
    def ddl_type(self) -> str:
        """The type in Spark's syntax."""
        return "bigint" if self.type == "long" else self.type

    @property
    def precision_and_scale(self) -> tuple[int, int]:
        """Precision and scale of a decimal."""
        precision, scale = self.type.removeprefix("decimal(").removesuffix(")").split(",")
        return int(precision), int(scale)
