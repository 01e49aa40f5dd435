"""The result of an expectation, with the names and figures of Great Expectations."""

from typing import Any, Literal

import msgspec

from lakewright.quality.expectation import Expectation

Engine = Literal["sql", "great_expectations"]


class ExpectationResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How much of a batch met an expectation: counts and shares, no values.

    Figures that the library leaves out, or reports as null, are ``None``.

    Attributes:
        number: The expectation's place in the suite, from 1.
        columns: The columns it is about; none for the whole table.
        engine: Whether our SQL or the library evaluated it.
        observed_value: The observed count, or another value of the data if the feed shows values.
        exception: Why the expectation could not be evaluated, without values; it is not met then.
    """

    type: str
    number: int
    columns: tuple[str, ...]
    on_failure: str
    engine: Engine
    success: bool
    element_count: int | None = None
    unexpected_count: int | None = None
    unexpected_percent: float | None = None
    missing_count: int | None = None
    missing_percent: float | None = None
    unexpected_percent_total: float | None = None
    unexpected_percent_nonmissing: float | None = None
    observed_value: int | float | str | None = None
    exception: str = ""


def describe(result: ExpectationResult) -> str:
    """Describe how an expectation was met, without values of the data."""
    place = f" on {', '.join(result.columns)}" if result.columns else ""
    return f"{result.type}{place}: {_figures(result)}" if _figures(result) else f"{result.type}{place}"


def _figures(result: ExpectationResult) -> str:
    if result.exception:
        return result.exception
    unmet = result.unexpected_count
    if unmet:
        share = "" if result.unexpected_percent is None else f" ({result.unexpected_percent:.4g} %)"
        return f"{unmet} rows do not meet it{share}" if unmet > 1 else f"1 row does not meet it{share}"
    if result.observed_value is not None:
        return f"observed {result.observed_value}"
    return "" if result.success else "not met"


def columns_of(expectation: Expectation) -> tuple[str, ...]:
    """Return the columns that an expectation names."""
    kwargs = expectation.kwargs
    if isinstance(column := kwargs.get("column"), str):
        return (column,)
    columns = [kwargs.get("column_A"), kwargs.get("column_B"), *(kwargs.get("column_list") or ())]
    return tuple(column for column in columns if isinstance(column, str))


def result_of(expectation: Expectation, *, success: bool, engine: Engine = "sql", **figures: Any) -> ExpectationResult:
    """Return the result of an expectation, with figures by their names."""
    return ExpectationResult(
        type=expectation.type,
        number=expectation.number,
        columns=columns_of(expectation),
        on_failure=expectation.on_failure,
        engine=engine,
        success=success,
        **figures,
    )


def count_result(expectation: Expectation, rows: int, *, success: bool) -> ExpectationResult:
    """Return the result of an expectation about the number of rows."""
    return result_of(expectation, success=success, observed_value=rows)


def map_result(expectation: Expectation, rows: int, considered: int | None, unexpected: int) -> ExpectationResult:
    """Return the result of an expectation that each row meets or not, computed as the library computes it.

    Args:
        expectation: The expectation; its ``mostly`` is a number.
        rows: All rows.
        considered: Rows that are not missing; None if missing values are what the expectation is about.
        unexpected: Rows that do not meet it.
    """
    base = rows if considered is None else considered
    missing = None if considered is None else rows - considered
    return result_of(
        expectation,
        success=not base or (float(base) - float(unexpected)) / float(base) >= expectation.kwargs.get("mostly", 1),
        element_count=rows,
        unexpected_count=unexpected,
        unexpected_percent=_percent(unexpected, base),
        missing_count=missing,
        missing_percent=None if missing is None else _percent(missing, rows),
        unexpected_percent_total=None if missing is None else _percent(unexpected, rows),
        unexpected_percent_nonmissing=None if missing is None else _percent(unexpected, base),
    )


def missing_columns_result(expectation: Expectation, missing: tuple[str, ...]) -> ExpectationResult:
    """Return the result of an expectation about columns that the table does not have."""
    names = ", ".join(f'"{column}"' for column in missing)
    return result_of(expectation, success=False, exception=f"the table has no column {names}")


def _percent(part: int, whole: int) -> float | None:
    return part / whole * 100 if whole else None
