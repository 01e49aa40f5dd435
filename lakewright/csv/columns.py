"""The declared columns of CSV feeds."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from lakewright.config import Model
from lakewright.csv.options import CsvOptions, NullTexts
from transforms.csv.dialects.dialect import NONE
from transforms.csv.typed_column import MINUS, REJECT, TypedColumn
from transforms.datetime_patterns import has_long_fraction, has_short_year, problem_with
from transforms.header_names import name_key, trimmed

_TYPE: Final = re.compile(r"string|long|int|double|boolean|date|timestamp|decimal\((\d{1,2}),(\d{1,2})\)")
_MOST_DIGITS: Final = 38
_CURRENCY: Final = re.compile(r"[^\d\s.,()+\-%'_\ufffd]+\.?")
_OF_NUMBERS: Final = ("thousands_separator", "currency", "percent", "negative")
_OF_PATTERNS: Final = ("format", "timezone", "two_digit_year_from")
_OF_TIMES: Final = ("two_digit_year_from", "epoch", "excess_fraction")

Texts = Annotated[tuple[str, ...], Field(min_length=1)]
Negative = Literal["minus", "parentheses", "trailing_minus"]


class ColumnSpec(Model):
    """A declared column: its type, or a mapping with the type and further options."""

    type: str = Field(description="string, long, int, double, decimal(p,s), boolean, date or timestamp.")
    source_name: str | Texts = Field(
        default="",
        alias="from",
        description="Name in the header, if it differs; or several names, of which each header has one.",
    )
    format: str | Texts = Field(
        default="", description="Pattern of this column's dates or timestamps, or several in order of preference."
    )
    decimal_separator: Literal["", ".", ","] = Field(
        default="", description="Decimal separator of this column's numbers."
    )
    timezone: str = Field(default="", description="Time zone of this column's timestamps without an offset.")
    null_text: NullTexts | None = Field(
        default=None, description="Texts that are read as null in this column, instead of the source's."
    )
    quoted_null: bool | None = Field(
        default=None, description="Whether a quoted null_text is null, too, in this column; if not, it is text."
    )
    thousands_separator: Literal["", ".", ",", " ", "'", "_"] = Field(
        default="", description="What may separate groups of digits; a space is also a no-break space."
    )
    currency: str | Texts = Field(
        default="", description="Currency signs; one of them may precede or follow a number, and is dropped."
    )
    percent: bool = Field(default=False, description="Whether % may follow a number; it is dropped, so that 5 % is 5.")
    negative: Negative | Annotated[tuple[Negative, ...], Field(min_length=1)] = Field(
        default="minus", description="How negative numbers are written: -5, (5) or 5-; or several ways."
    )
    two_digit_year_from: int | None = Field(
        default=None, ge=1901, le=2000, description="The first of the 100 years that yy covers."
    )
    epoch: Literal["", "seconds", "millis", "micros"] = Field(
        default="", description="The unit of timestamps that are written as numbers since 1970."
    )
    excess_fraction: Literal["", "reject", "truncate"] = Field(
        default="", description="Whether digits beyond microseconds are dropped; by default they must be zero."
    )

    @field_validator("type")
    @classmethod
    def _known_type(cls, written: str) -> str:
        kind = written.replace(" ", "").lower()
        match = _TYPE.fullmatch(kind)
        if match is None:
            raise ValueError(
                f"unknown type {written!r}; known are string, long, int, double, decimal(p,s), boolean, date, timestamp"
            )
        if match[1] and not (1 <= int(match[1]) <= _MOST_DIGITS and int(match[2]) <= int(match[1])):
            raise ValueError(f"{written} is not a valid decimal: at most {_MOST_DIGITS} digits, including the fraction")
        return kind

    @model_validator(mode="before")
    @classmethod
    def _type_alone(cls, written: Any) -> Any:
        return {"type": written} if isinstance(written, str) else written

    @field_validator("source_name", "format", "currency", "negative")
    @classmethod
    def _distinct(cls, written: str | tuple[str, ...]) -> str | tuple[str, ...]:
        several = _several(written)
        if repeated := [each for place, each in enumerate(several) if each in several[:place] or not each.strip()]:
            raise ValueError(f"{repeated[0]!r} is repeated" if repeated[0].strip() else "a text of the list is empty")
        return written

    @model_validator(mode="after")
    def _options_fit(self) -> "ColumnSpec":
        if problem := next(self._problems(), ""):
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        """Return what is wrong with the combination of options."""
        is_number = self.type in ("long", "int", "double") or self.type.startswith("decimal")
        for options, fits, kinds in (
            (_OF_NUMBERS, is_number, "numbers"),
            (_OF_TIMES, self.type in ("date", "timestamp"), "dates and timestamps"),
        ):
            if not fits and (given := [name for name in options if name in self.model_fields_set]):
                yield f"{given[0]} is for {kinds}, not for {self.type}"
        names = [name_key(name) for name in _several(self.source_name)]
        if len(set(names)) < len(names):
            yield "from names a column twice; names are compared without case"
        if self.percent and self.currency:
            yield "percent and currency exclude each other: a number has one sign"
        if signs := [sign for sign in _several(self.currency) if _CURRENCY.fullmatch(sign) is None]:
            yield f"currency {signs[0]!r} has a digit, a blank or a character of numbers; a dot may only end it"
        if self.epoch and self.type != "timestamp":
            yield "epoch is for timestamps; the day of an instant depends on the time zone"
        if self.epoch and (given := [name for name in _OF_PATTERNS if name in self.model_fields_set]):
            yield f"epoch excludes {given[0]}, which is for texts with a pattern"

    def source_names(self, name: str) -> tuple[str, ...]:
        """Return the names that the column called ``name`` may have in a header."""
        return tuple(map(trimmed, _several(self.source_name) or (name,)))

    def typed(self, name: str, csv: CsvOptions, *, is_folder: bool) -> TypedColumn:
        """Return the column; options that it does not set are those of the source."""
        patterns = _several(self.format or (csv.timestamp_format if self.type == "timestamp" else csv.date_format))
        return TypedColumn(
            name,
            self.type,
            format=patterns[0],
            decimal_separator=self.decimal_separator or csv.decimal_separator,
            timezone=self.timezone or csv.timezone,
            null_text=self._null_text(csv) if self._quoted_is_null(csv) else (),
            is_folder=is_folder,
            thousands_separator=self.thousands_separator,
            currency=_several(self.currency),
            percent=self.percent,
            negative=_several(self.negative) or (MINUS,),
            other_formats=patterns[1:],
            two_digit_year_from=self.two_digit_year_from or 2000,
            epoch=self.epoch,
            excess_fraction=self.excess_fraction or REJECT,
        )

    def unquoted_nulls(self, csv: CsvOptions) -> tuple[str, ...]:
        """Return the texts that are null only if they are not quoted, apart from the empty one if it is null anyway."""
        if self._quoted_is_null(csv):
            return ()
        return tuple(marker for marker in self._null_text(csv) if marker or not csv.dialect().empty_is_null)

    def problem(self, csv: CsvOptions) -> str:
        """Return what is wrong with the column's options together with the source's; empty if nothing is."""
        return next(self._problems_with(csv), "")

    def _problems_with(self, csv: CsvOptions) -> Iterator[str]:
        column = self.typed("", csv, is_folder=False)
        has_fraction = self.type == "double" or self.type.startswith("decimal")
        if has_fraction and column.thousands_separator == column.decimal_separator:
            yield f"{column.decimal_separator!r} is the decimal separator and the separator of thousands"
        if self.quoted_null is not None and not self._null_text(csv):
            yield "quoted_null needs null_text"
        structure = {csv.delimiter, '"', csv.quote, "\\" if csv.escape != NONE else csv.delimiter} - {NONE}
        for marker in self.unquoted_nulls(csv):
            if not marker.isprintable() or any(character in marker for character in structure):
                yield f"with quoted_null: false, null_text {marker!r} must be printable, without delimiter and quotes"
        if self.type in ("date", "timestamp") and not self.epoch:
            yield from self._problems_with_patterns(column.formats)

    def _problems_with_patterns(self, patterns: Sequence[str]) -> Iterator[str]:
        has_century = self.two_digit_year_from is not None
        for pattern in patterns:
            if problem := problem_with(pattern, time=self.type == "timestamp", has_century=has_century):
                yield problem
        if has_century and not any(map(has_short_year, patterns)):
            yield f"two_digit_year_from needs yy in the pattern; it is {', '.join(map(repr, patterns))}"
        if self.excess_fraction and not any(map(has_long_fraction, patterns)):
            yield f"excess_fraction needs a pattern with 7 to 9 S; it is {', '.join(map(repr, patterns))}"

    def _quoted_is_null(self, csv: CsvOptions) -> bool:
        return csv.quoted_null if self.quoted_null is None else self.quoted_null

    def _null_text(self, csv: CsvOptions) -> tuple[str, ...]:
        return csv.null_text if self.null_text is None else self.null_text


def _several(written: str | tuple[str, ...]) -> tuple[str, ...]:
    return ((written,) if written else ()) if isinstance(written, str) else written
