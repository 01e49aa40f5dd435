"""Expectations judged by Great Expectations: on Spark's DataFrames, and on pandas for batches of the local engine.

The library's SQL engine has no dialect for DuckDB (version 1.24). On pandas, all expectations are available but those
on SQL (``unexpected_rows_expectation``, LIKE patterns). Only the columns that expectations name are loaded.
"""

import io
import logging
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cache
from typing import Any, Final

import msgspec

from lakewright.errors import ConfigError
from lakewright.quality.expectation import Expectation
from lakewright.quality.judged_table import JudgedTable
from lakewright.quality.result import ExpectationResult, columns_of, missing_columns_result, result_of

#: Whether these are met depends on the names and types of columns, not on rows.
_OF_SCHEMA: Final = (
    "expect_column_to_exist",
    "expect_table_column_count_to_be_between",
    "expect_table_column_count_to_equal",
    "expect_table_columns_to_match_ordered_list",
    "expect_table_columns_to_match_set",
)
#: What results say of the data besides counts and shares.
_OF_VALUES: Final = ("observed_value", "details")
#: Their observed values are counts and shares; those of others are values of the data.
_OF_COUNTS: Final = (
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_proportion_of_unique_values_to_be_between",
    "expect_column_unique_value_count_to_be_between",
    "expect_table_column_count_to_be_between",
    "expect_table_column_count_to_equal",
    "expect_table_row_count_to_be_between",
    "expect_table_row_count_to_equal",
)
_COUNTS: Final = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "missing_count",
    "missing_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
)
#: The end of errors, after what needs the library.
NOT_INSTALLED: Final = "Great Expectations, which is not installed; install it with: pip install 'lakewright[quality]'"
_NUMBER: Final = "lakewright_number"
#: Errors of the library that name engines and metrics, never values.
_PLAIN_ERRORS: Final = ("No provider found for ", "Column values, min_value, and max_value must")
#: The library has global state (the current context), and targets run concurrently.
_LOCK: Final = threading.RLock()


def judge(table: JudgedTable, expectations: Sequence[Expectation], *, shows_values: bool) -> list[ExpectationResult]:
    """Evaluate expectations on a table, in order; one that cannot be evaluated is not met, and says why."""
    results: dict[int, ExpectationResult] = {}
    of_schema = [each for each in expectations if each.type in _OF_SCHEMA]
    for each in expectations:
        if each not in of_schema and (missing := tuple(name for name in columns_of(each) if name not in table.columns)):
            results[each.number] = _by_library(missing_columns_result(each, missing))
    of_rows = [each for each in expectations if each not in of_schema and each.number not in results]
    with quiet():
        if of_schema:
            frame = table.frame(list(table.columns), rows=False)
            results |= _evaluated(frame, of_schema, shows_values=shows_values)
        if of_rows:
            frame = table.frame(needed_columns(of_rows, table.columns))
            results |= _evaluated(frame, of_rows, shows_values=shows_values)
    return [results[each.number] for each in expectations]


def _by_library(result: ExpectationResult) -> ExpectationResult:
    return msgspec.structs.replace(result, engine="great_expectations")


def needed_columns(expectations: Sequence[Expectation], columns: Mapping[str, str]) -> list[str]:
    """Return the columns that expectations name, also in conditions on rows; some may use any."""
    texts: list[str] = []
    for each in expectations:
        if each.type in _OF_SCHEMA or "unexpected_rows_query" in each.kwargs:
            return list(columns)
        texts += [str(value) for name, value in each.kwargs.items() if name == "row_condition"]
    named = {name for each in expectations for name in columns_of(each)}
    needed = [name for name in columns if name in named or any(name in text for text in texts)]
    return needed or list(columns)[:1]


def _evaluated(frame: Any, expectations: Sequence[Expectation], *, shows_values: bool) -> dict[int, ExpectationResult]:
    """Evaluate expectations together; if one of them breaks the evaluation, each by itself."""
    try:
        raw = _validated(frame, expectations, shows_values=shows_values)
    except Exception as error:  # noqa: BLE001 - an expectation that fails for any reason is not met
        if len(expectations) > 1:
            return {
                number: result
                for each in expectations
                for number, result in _evaluated(frame, [each], shows_values=shows_values).items()
            }
        (only,) = expectations
        return {only.number: _failed(only, _reason(str(error), type(error).__name__, shows_values=shows_values))}
    by_number = {result.expectation_config.meta[_NUMBER]: result for result in raw}
    results = {each.number: _result(each, by_number[each.number], shows_values=shows_values) for each in expectations}
    if len(expectations) > 1:
        # The library evaluates metrics together, and an exception of one is then that of all.
        for each in expectations:
            if results[each.number].exception:
                results |= _evaluated(frame, [each], shows_values=shows_values)
    return results


def _validated(frame: Any, expectations: Sequence[Expectation], *, shows_values: bool) -> list[Any]:
    gx, context = load_library(), open_context()
    suite = gx.ExpectationSuite(name="gate", expectations=[configured(each) for each in expectations])
    source = add_source(context, frame, "batch")
    batch = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
    shown = {} if shows_values else {"partial_unexpected_count": 0}
    validated = batch.get_batch({"dataframe": frame}).validate(suite, result_format={"result_format": "BASIC"} | shown)
    return list(validated.results)


def open_context() -> Any:
    """Open a context in memory; by default, its docs would leave a temporary folder behind."""
    gx, types = load_library(), load_library().data_context.types.base
    return gx.get_context(
        mode="ephemeral",
        project_config=types.DataContextConfig(
            store_backend_defaults=types.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            progress_bars=types.ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        ),
    )


def add_source(context: Any, frame: Any, name: str) -> Any:
    """Add a data source for a DataFrame; by default the library caches every frame in Spark, and never releases it."""
    if hasattr(frame, "sparkSession"):
        return context.data_sources.add_spark(name, persist=False)
    return context.data_sources.add_pandas(name)


def configured(expectation: Expectation) -> dict[str, Any]:
    """Return the configuration of an expectation, with its number in the suite."""
    kwargs = {
        name: value for name, value in expectation.kwargs.items() if name not in ("result_format", "catch_exceptions")
    }
    return {"type": expectation.type, "kwargs": kwargs, "meta": {_NUMBER: expectation.number}}


def _result(expectation: Expectation, raw: Any, *, shows_values: bool) -> ExpectationResult:
    if exception := _exception(raw.exception_info or {}):
        return _failed(expectation, _reason(*exception, shows_values=shows_values))
    counts = {name: raw.result[name] for name in _COUNTS if raw.result.get(name) is not None}
    observed = raw.result.get("observed_value") if shows_values or expectation.type in _OF_COUNTS else None
    return result_of(
        expectation,
        success=bool(raw.success),
        engine="great_expectations",
        observed_value=_plain(observed),
        **counts,
    )


def _failed(expectation: Expectation, reason: str) -> ExpectationResult:
    return result_of(expectation, success=False, engine="great_expectations", exception=reason)


def _exception(info: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return message and class of the first exception of a result, if there is one."""
    parts = [info] if "raised_exception" in info else list(info.values())
    raised = next((part for part in parts if isinstance(part, Mapping) and part.get("raised_exception")), None)
    if raised is None:
        return None
    # The innermost class is that of the first exception in the traceback.
    lines = [line for line in (raised.get("exception_traceback") or "").splitlines() if line[:1].isalpha()]
    causes = [line.split(":", 1)[0].rsplit(".", 1)[-1] for line in lines if not line.startswith("Traceback")]
    return raised.get("exception_message") or "", causes[0] if causes else "error"


def _reason(message: str, cause: str, *, shows_values: bool) -> str:
    """Describe an exception: its message may quote values of the data."""
    is_plain = shows_values or message.startswith(_PLAIN_ERRORS)
    return f"Great Expectations could not evaluate it: {message if is_plain else cause}"


def hide_values(raw: Any) -> None:
    """Remove values of the data from a result of the library: observed ones, details, and texts of exceptions."""
    if exception := _exception(raw.exception_info or {}):
        raw.exception_info = {"raised_exception": True, "exception_message": exception[1], "exception_traceback": ""}
    if raw.expectation_config.type not in _OF_COUNTS:
        raw.result = {name: value for name, value in raw.result.items() if name not in _OF_VALUES}


def _plain(value: Any) -> int | float | str | None:
    """Return an observed value as JSON can have it; sets and mappings as text."""
    value = value.item() if hasattr(value, "item") else value
    return value if value is None or isinstance(value, int | float | str) else str(value)


@contextmanager
def quiet() -> Iterator[None]:
    """Use the library alone, and without its log lines, its warnings and what it prints."""
    logger, silent = logging.getLogger("great_expectations"), logging.NullHandler()
    with _LOCK:
        propagates, logger.propagate = logger.propagate, False
        logger.addHandler(silent)
        try:
            with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                yield
        finally:
            logger.propagate = propagates
            logger.removeHandler(silent)


@cache
def load_library() -> Any:
    """Import the library, which takes seconds.

    Raises:
        ConfigError: If it is not installed.
    """
    try:
        import great_expectations
        import great_expectations.data_context.types.base
    except ModuleNotFoundError as error:
        raise ConfigError(f"the gate has expectations that need {NOT_INSTALLED}") from error
    return great_expectations
