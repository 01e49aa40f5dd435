"""Suites validated before anything is planned: by Great Expectations if it is needed, which must then be installed."""

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lakewright.config import suggest
from lakewright.errors import ConfigError
from lakewright.quality.config import GateEngine
from lakewright.quality.expectation import Expectation
from lakewright.quality.library import NOT_INSTALLED, load_library, quiet
from lakewright.quality.result import columns_of
from lakewright.quality.sql.compiled import library_reason
from lakewright.quality.suite import Suite

#: A type of each kind that compiled expectations know.
_TYPES: Final = ("string", "bigint", "decimal(15,5)", "double", "boolean", "date", "timestamp")


def check_suites(suites: Sequence[Suite], gate_engine: GateEngine) -> None:
    """Check that the library is installed if suites need it, and let it validate types and kwargs that only it knows.

    Raises:
        ConfigError: If expectations are invalid, with one line per problem; or if the library is not installed.
    """
    for suite in suites:
        needs = library_needs(suite, gate_engine)
        if needs and importlib.util.find_spec("great_expectations") is None:
            raise ConfigError(f"{suite.path}: {needs} needs {NOT_INSTALLED}")
    unknown = [suite for suite in suites if suite.has_unknown_types]
    if not unknown:
        return
    with quiet():
        problems = [
            f"{suite.path}: expectation {each.number} ({each.type}): {problem}"
            for suite in unknown
            for each in suite.expectations
            if (problem := _problem_with(each))
        ]
    if problems:
        raise ConfigError("\n".join(problems))


def library_needs(suite: Suite, gate_engine: GateEngine) -> str:
    """Return the part of a suite that the library must judge for any types and rows; empty if there is none."""
    for each in suite.of_batch:
        if gate_engine == "great_expectations":
            return "gate_engine: great_expectations"
        if all(library_reason(each, dict.fromkeys(columns_of(each), kind)) for kind in _TYPES):
            return f"expectation {each.number} ({each.type})"
    return ""


def _problem_with(expectation: Expectation) -> str:
    """Return why an expectation is invalid, without the values of its kwargs; empty if it is valid."""
    load_library()
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )
    from pydantic.v1 import ValidationError

    try:
        get_expectation_impl(expectation.type)
    except ExpectationNotFoundError:
        return f"unknown expectation{suggest(expectation.type, list_registered_expectation_implementations())}"
    try:
        ExpectationConfiguration(type=expectation.type, kwargs=dict(expectation.kwargs)).to_domain_obj()
    except ValidationError as error:
        return "; ".join(dict.fromkeys(_sentence(each) for each in error.errors()))
    except Exception as error:  # noqa: BLE001 - the library raises many kinds
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return ""


def _sentence(problem: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in problem["loc"] if part != "__root__")
    message = str(problem["msg"])
    if problem["type"] == "value_error.extra":
        return f"unknown kwarg {name!r}"
    if problem["type"] == "value_error.missing":
        return f"the kwarg {name} is missing"
    return f"{name}: {message}" if name else message
