"""The keys of gates in feeds."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, PrivateAttr, field_validator

from lakewright.config import Feed, Model, suggest
from lakewright.config_files import Conf
from lakewright.errors import ConfigError
from lakewright.quality.expectation import Expectation
from lakewright.quality.result import columns_of
from lakewright.quality.sql.compiled import library_reason
from lakewright.quality.suite import Suite, parse_suite

#: Which engine judges: SQL where it is proven to agree with the library, or the library everything.
GateEngine = Literal["auto", "great_expectations"]


class Gates(Model):
    """The suite that judges each batch before it is published."""

    suite: str | dict[str, str] = Field(
        description="Name of a suite, conf/quality/NAME.json in the format of Great Expectations; or names by table, "
        "such as {orders: orders}: other tables have no gate."
    )
    gate_engine: GateEngine = Field(
        default="auto",
        description="auto: SQL judges the expectations for which it agrees with Great Expectations. "
        "great_expectations: the library judges all.",
    )
    on_empty_batch: Literal["pass", "fail"] = Field(
        default="pass", description="Whether a batch without rows for the table passes the gate, or is refused."
    )

    @field_validator("suite")
    @classmethod
    def _is_named(cls, suite: str | dict[str, str]) -> str | dict[str, str]:
        names = [suite] if isinstance(suite, str) else suite.values()
        for name in names:
            if not name or "/" in name or "\\" in name or name.endswith(".json") or name.startswith("."):
                raise ValueError(f"a suite is named without folder and ending, such as customers, not {name!r}")
        return suite

    def suites(self) -> Sequence[str]:
        """Return the names of all suites."""
        return [self.suite] if isinstance(self.suite, str) else list(dict.fromkeys(self.suite.values()))

    def suite_of(self, table: str) -> str | None:
        """Return the name of a table's suite; None if the table has no gate."""
        return self.suite if isinstance(self.suite, str) else self.suite.get(table)

    def unknown_tables(self, tables: Iterable[str]) -> list[str]:
        """Return a sentence per table that has a suite and does not exist."""
        known = sorted(tables)
        named = [] if isinstance(self.suite, str) else self.suite
        return [f"gates.suite: unknown table {name!r}{suggest(name, known)}" for name in named if name not in known]


class GatedFeed(Feed):
    """The keys of feeds whose batches can be judged by a gate."""

    gates: Gates | None = Field(default=None, description="Quality gate; see docs/quality.md.")
    _suites: dict[str, Suite] = PrivateAttr(default_factory=dict)

    def read_suites(self, conf: Conf) -> None:
        """Read the suites from the config folder; they are part of the feed from then on.

        Raises:
            ConfigError: If a suite does not exist or is invalid, with one line per problem.
        """
        problems: list[str] = []
        for name in self.gates.suites() if self.gates else ():
            file = f"quality/{name}.json"
            try:
                text = conf.read(file)
                if text is None:
                    raise ConfigError(f"gates.suite: there is no suite {name!r}: {conf.uri}/{file} does not exist")
                suite = self._suites[name] = parse_suite(f"{conf.uri}/{file}", text)
                problems += self._misplaced_rules(suite) or self._unfit_expectations(suite)
            except ConfigError as error:
                problems += str(error).splitlines()
        if problems:
            raise ConfigError("\n".join(problems))

    def _misplaced_rules(self, suite: Suite) -> list[str]:
        return [
            f"{suite.path}: expectation {rule.number} ({rule.type}): on_failure reject_rows is not possible: "
            f"{rule.kwargs['column']} is not a value of the rows; use refuse_batch or warn"
            for rule in suite.row_rules
            if rule.kwargs["column"] in self.date_keys()
        ]

    def _unfit_expectations(self, suite: Suite) -> list[str]:
        """Return a sentence per expectation that would refuse every batch, regardless of its rows."""
        columns = self.declared_columns()
        return [
            f"{suite.path}: expectation {each.number} ({each.type}): {problem}"
            for each in suite.expectations
            if columns and each.on_failure != "warn" and (problem := _problem_with(each, columns))
        ]

    def declared_columns(self) -> Mapping[str, str]:
        """Return the columns of the tables with their types in Spark's syntax; none if they follow from the data."""
        return {}

    def suite_for(self, table: str) -> Suite | None:
        """Return the suite of a table; None if it has no gate."""
        name = self.gates.suite_of(table) if self.gates else None
        return self._suites[name] if name else None

    def unknown_tables(self, tables: Iterable[str]) -> list[str]:
        """Return a sentence per table that has a suite and does not exist."""
        return self.gates.unknown_tables(tables) if self.gates else []

    def all_suites(self) -> Sequence[Suite]:
        """Return all suites of the feed."""
        return list(self._suites.values())

    def fingerprint(self) -> str:
        """See ``Feed.fingerprint``: a batch that was planned with other expectations is planned again."""
        without = super().fingerprint()
        if self.gates is None:
            return without
        gates: Mapping[str, Any] = self.gates.model_dump()
        suites = {name: suite.fingerprint() for name, suite in self._suites.items()}
        return hashlib.sha256(json.dumps([without, gates, suites], sort_keys=True).encode()).hexdigest()[:16]


def _problem_with(expectation: Expectation, columns: Mapping[str, str]) -> str:
    """Return why an expectation cannot be met by rows with these columns, as far as the types say; empty if it can."""
    if missing := [name for name in columns_of(expectation) if name not in columns]:
        alike = [name for name in columns if name.casefold() == missing[0].casefold()]
        return f"the feed declares no column {missing[0]!r}{suggest([*alike, *missing][0], list(columns))}"
    if expectation.on_failure == "reject_rows" and (reason := library_reason(expectation, columns)):
        (column,) = columns_of(expectation)
        return (
            f"on_failure reject_rows is not possible on the column {column} ({columns[column]}), since {reason}; "
            "correct it, or use refuse_batch or warn"
        )
    return ""
