"""Suites of expectations: Great Expectations' own JSON, parsed and validated without importing the library.

The kwargs of expectations that only the library can judge are validated by ``lakewright.quality.validation``.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from lakewright.config import suggest
from lakewright.errors import ConfigError
from lakewright.quality.expectation import Expectation
from lakewright.quality.sql.arguments import ARGUMENTS
from lakewright.quality.sql.predicates import ROW_EXPECTATIONS

#: What happens if an expectation is not met: the batch is refused, single rows are rejected, or a warning is given.
OnFailure = Literal["refuse_batch", "reject_rows", "warn"]

_COMMON_KWARGS: Final = (
    "mostly",
    "row_condition",
    "condition_parser",
    "batch_id",
    "result_format",
    "catch_exceptions",
)
_SUITE_KEYS: Final = ("name", "expectations", "meta", "id", "notes", "suite_parameters")
_KEYS: Final = ("type", "kwargs", "meta", "id", "severity", "notes", "description", "rendered_content")
_SEVERITIES: Final = ("critical", "warning", "info")
#: Validation is recursive, and no suite of the library is nearly as deep.
_MAX_DEPTH: Final = 100
_HALF_CHARACTER: Final = r"has half of a surrogate pair (\ud800 to \udfff), which is no character: write both halves"
#: The key of a reference to a parameter of a suite.
_PARAMETER: Final = "$PARAMETER"


@dataclass(frozen=True)
class Suite:
    """The suite of a table; ``path`` is its file."""

    name: str
    path: str
    expectations: tuple[Expectation, ...] = ()

    @property
    def row_rules(self) -> tuple[Expectation, ...]:
        """The expectations that reject single rows."""
        return tuple(each for each in self.expectations if each.on_failure == "reject_rows")

    @property
    def of_batch(self) -> tuple[Expectation, ...]:
        """The expectations that judge the batch as a whole."""
        return tuple(each for each in self.expectations if each.on_failure != "reject_rows")

    @property
    def has_unknown_types(self) -> bool:
        """Whether the library must validate it: ``parse_suite`` knows the kwargs of few expectations."""
        return any(each.type not in ARGUMENTS for each in self.expectations)

    def fingerprint(self) -> str:
        """Return a hash of all that decides about data."""
        content = [[each.type, each.kwargs, each.on_failure] for each in self.expectations]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def parse_suite(path: str, text: str) -> Suite:
    """Parse the JSON of a suite.

    Raises:
        ConfigError: With one line per problem, each naming the file and the expectation.
    """
    try:
        document = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_without_repeated_keys)
        if _is_deeper(document, _MAX_DEPTH):
            raise RecursionError
    except ValueError as error:
        raise ConfigError(f"{path}: not readable as JSON: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: its JSON is nested more than {_MAX_DEPTH} levels deep") from None
    if not isinstance(document, dict) or not isinstance(document.get("expectations"), list):
        raise ConfigError(f"{path}: a suite is a JSON object with name and expectations, as ExpectationSuite writes it")
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{path}: the key name is missing; it names the suite")
    if not _is_unicode(name):
        raise ConfigError(f"{path}: the key name {_HALF_CHARACTER}")
    if unknown := [key for key in document if key not in _SUITE_KEYS]:
        raise ConfigError(f"{path}: unknown key {unknown[0]!r}{suggest(unknown[0], _SUITE_KEYS)}")
    entries = document["expectations"]
    problems = [
        f"{path}: expectation {number}{_named(entry)}: {problem}"
        for number, entry in enumerate(entries, 1)
        for problem in _problems_of(entry)
    ]
    if problems:
        raise ConfigError("\n".join(problems))
    return Suite(name, path, tuple(_expectation(entry, number) for number, entry in enumerate(entries, 1)))


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, in which a repeated key would replace the first one in silence."""
    content = dict(pairs)
    if len(content) < len(pairs):
        repeated = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {repeated!r} is repeated in one object")
    return content


def _is_deeper(content: Any, levels: int) -> bool:
    """Return whether objects and lists are nested deeper, without recursion."""
    nested = [content]
    for _ in range(levels + 1):
        nested = [
            child
            for each in nested
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(nested)


def _is_unicode(content: Any) -> bool:
    r"""Return whether texts have whole characters only: ``\ud800`` in JSON is half of a pair."""
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _expectation(entry: Mapping[str, Any], number: int) -> Expectation:
    meta = entry.get("meta") or {}
    notes = entry.get("notes") or meta.get("notes") or ""
    if isinstance(notes, Mapping):
        notes = notes.get("content", "")
    words = " ".join(map(str, notes)) if isinstance(notes, list) else str(notes)
    on_failure = meta.get("on_failure", "refuse_batch")
    return Expectation(entry["type"], entry.get("kwargs") or {}, on_failure, words, number)


def _named(entry: Any) -> str:
    named = isinstance(entry, dict) and isinstance(entry.get("type"), str) and _is_unicode(entry["type"])
    return f" ({entry['type']})" if named else ""


def _problem_of_form(entry: Any) -> str:
    if not isinstance(entry, dict):
        return "must be a JSON object with type and kwargs"
    if not _is_unicode(entry):
        return f"a text {_HALF_CHARACTER}"
    if not isinstance(entry.get("type"), str) or not entry["type"]:
        old = " (suites of versions before 1.0 have expectation_type: write them again with version 1)"
        return f"the key type is missing{old if 'expectation_type' in entry else ''}"
    return ""


def _problems_of(entry: Any) -> Iterator[str]:
    if problem := _problem_of_form(entry):
        yield problem
        return
    kind, kwargs, meta = entry["type"], entry.get("kwargs") or {}, entry.get("meta") or {}
    if unknown := [key for key in entry if key not in _KEYS]:
        yield f"unknown key {unknown[0]!r}{suggest(unknown[0], _KEYS)}"
    if not isinstance(kwargs, dict) or not isinstance(meta, dict):
        yield "kwargs and meta must be JSON objects"
        return
    if entry.get("severity") not in (None, *_SEVERITIES):
        yield f"severity must be one of {', '.join(_SEVERITIES)}"
    if kind in ARGUMENTS:
        yield from _problems_of_kwargs(kind, kwargs)
    if any(_is_parameter(value) for value in kwargs.values()):
        yield f"{_PARAMETER} refers to a parameter of a checkpoint, and a gate has none: write the value"
    on_failure = meta.get("on_failure", "refuse_batch")
    if on_failure not in get_args(OnFailure):
        known = get_args(OnFailure)
        yield f"unknown meta.on_failure {on_failure!r}{suggest(str(on_failure), known)}"
    elif on_failure == "reject_rows":
        yield from _problems_of_row_rule(kind, kwargs)


def _problems_of_kwargs(kind: str, kwargs: Mapping[str, Any]) -> Iterator[str]:
    required, optional = ARGUMENTS[kind]
    known = (*required, *optional, *_COMMON_KWARGS)
    if missing := [name for name in required if kwargs.get(name) is None]:
        yield f"the kwarg {missing[0]} is missing"
    if unknown := [name for name in kwargs if name not in known]:
        yield f"unknown kwarg {unknown[0]!r}{suggest(unknown[0], known)}"
    if "min_value" in optional and kwargs.get("min_value") is None and kwargs.get("max_value") is None:
        yield "needs min_value, max_value or both"
    mostly = kwargs.get("mostly", 1)
    if not _is_parameter(mostly) and (isinstance(mostly, bool) or not _is_share(mostly)):
        yield "mostly must be a share from 0 to 1"
    for name, kinds in (("column", str), ("regex", str), ("value_set", list), ("column_list", list)):
        value = kwargs.get(name)
        if name in required and value is not None and not isinstance(value, kinds) and not _is_parameter(value):
            yield f"{name} must be a {'list' if kinds is list else 'text'}"
    columns = kwargs.get("column_list")
    if isinstance(columns, list) and len(columns) < 2:  # noqa: PLR2004 - compound: of two or more
        yield "column_list must name two columns or more"


def _problems_of_row_rule(kind: str, kwargs: Mapping[str, Any]) -> Iterator[str]:
    if kind not in ROW_EXPECTATIONS:
        known = ", ".join(ROW_EXPECTATIONS)
        yield (
            "on_failure reject_rows is not possible: whether a row meets it depends on other rows; use refuse_batch "
            f"or warn. Rows can be rejected by {known}"
        )
        return
    if kwargs.get("mostly", 1) != 1:
        yield "on_failure reject_rows excludes mostly: rows are rejected one by one, and max_rejected bounds how many"
    if kwargs.get("row_condition") is not None:
        yield "on_failure reject_rows excludes row_condition; use refuse_batch or warn"


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _is_parameter(value: Any) -> bool:
    if isinstance(value, dict):
        return _PARAMETER in value or any(map(_is_parameter, value.values()))
    return isinstance(value, list) and any(map(_is_parameter, value))
