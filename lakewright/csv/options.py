"""How the text of CSV objects is written."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from lakewright.config import Model


class CsvOptions(Model):
    """Options of the CSV text."""

    delimiter: str = Field(default=",", description="Field delimiter, one character.")
    encoding: str = Field(default="UTF-8", description="Character encoding, such as UTF-8 or windows-1252.")
    multiline: bool = Field(
        default=True,
        description="Whether quoted fields may contain line breaks. If false, each line is a record.",
    )
    null_text: tuple[str, ...] = Field(
        default=(), description="Texts that are read as null, in addition to unquoted empty fields."
    )
    quoted_null: bool = Field(default=True, description="Whether a quoted null_text is null, too; if not, it is text.")
    date_format: str = Field(default="yyyy-MM-dd", description="Pattern of dates, in Spark's pattern letters.")
    timestamp_format: str = Field(
        default="yyyy-MM-dd HH:mm:ss[.SSSSSS]", description="Pattern of timestamps, in Spark's pattern letters."
    )
    timezone: str = Field(default="UTC", description="Time zone of timestamps without an offset.")
    decimal_separator: Literal[".", ","] = Field(default=".", description="Decimal separator of numbers.")

    @field_validator("null_text", mode="before")
    @classmethod
    def in_quotes(cls, markers: object) -> object:
        """Require null markers that YAML reads as texts."""
        if isinstance(markers, list | tuple) and None in markers:
            raise ValueError('YAML reads NULL, null and ~ as nothing; write null markers in quotes: ["NULL"]')
        return markers

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, delimiter: str) -> str:
        # YAML reads '\t' and a bare \t as two characters. No delimiter begins with a backslash, so this is unambiguous.
        if delimiter == r"\t":
            return "\t"
        if len(delimiter) != 1 or delimiter in '"\r\n\\':
            raise ValueError(
                f"the delimiter must be one character other than a quote, backslash or line end, not {delimiter!r}; "
                r'in YAML, use double quotes: "\t" is a tab, "\x01" is Ctrl-A, "|" is a pipe'
            )
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        # Offsets in an object rely on one byte per character, except in UTF-8; UTF-16 is never split.
        # ISO 8859 has no part 12.
        if not re.fullmatch(r"(?i)utf-8|utf-16([lb]e)?|us-ascii|iso-8859-([1-9]|1[013-6])|windows-125[0-8]", encoding):
            raise ValueError(
                f"unknown encoding {encoding!r}; known are UTF-8, UTF-16, UTF-16LE, UTF-16BE, US-ASCII, ISO-8859-N and "
                "windows-125N"
            )
        return encoding

    @model_validator(mode="after")
    def _is_consistent(self) -> "CsvOptions":
        if not self.multiline and self.encoding.lower().startswith("utf-16"):
            raise ValueError(f"{self.encoding} text needs multiline: true")
        return self
