"""Hostile cases: an input, commands, and the acceptable outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

#: A data value, which must not appear in any message, receipt or log.
CANARY: Final = "canary-7f3a@example.org"

Row = tuple[Any, ...]
#: A required word, in any case; for a tuple, any one of them.
Words = str | tuple[str, ...]


@dataclass(frozen=True)
class Link:
    """A symbolic link in a lake; ``{lake}`` and ``{root}`` are replaced by the lake and its parent folder."""

    to: str


@dataclass(frozen=True)
class StoredObject:
    """An object in S3 with an unusual storage class."""

    body: bytes
    storage_class: str = "STANDARD"
    is_restored: bool = False


#: Files by path in the lake; None deletes one.
Files = Mapping[str, "bytes | Link | StoredObject | None"]


@dataclass(frozen=True)
class Step:
    """Files that arrive, and a command; arguments may contain ``{lake}``, ``{conf}`` and ``{root}``."""

    arguments: tuple[str, ...] = ("run", "f")
    files: Files = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scenario:
    """Feeds and steps over one lake; several cases may check the same scenario.

    Attributes:
        feeds: By name; text is written unchanged.
        outside: Files outside the lake, by path.
        environment: Environment variables.
        is_on_s3: Whether the lake is a bucket.
        where: Options appended to the arguments of each step.
    """

    feeds: Mapping[str, Mapping[str, Any] | str]
    steps: tuple[Step, ...]
    outside: Mapping[str, bytes] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    is_on_s3: bool = False
    where: tuple[str, ...] = ("--lake", "{lake}", "--config", "{conf}", "--json")


@dataclass(frozen=True)
class Outcome:
    """An acceptable outcome of a case.

    Attributes:
        exit_code: Of the last command, or of the case's target in it.
        mentions: Words required on stderr, or in the target's entry of the last command.
        omits: Words forbidden there.
        rows: Rows of the table, in any order, with the columns of the case.
        rejected: Number of rows that the last command rejected.
        files: Required content by path in the lake; None means absent.
        earlier_exit_codes: Exit codes of the earlier commands.
    """

    exit_code: int | tuple[int, ...] = 0
    mentions: tuple[Words, ...] = ()
    omits: tuple[str, ...] = ()
    rows: Sequence[Row] | None = None
    rejected: int | None = None
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    earlier_exit_codes: tuple[int | tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Case:
    """A rule, a scenario, and its acceptable outcomes.

    Attributes:
        target: Check only this target of the last command.
        table: The table's folder in the lake.
        columns: Columns of the table; without them all columns are compared, sorted by text.
        never: Words that must not appear in any output or in the state.
        may_skip: Paths that need not be mentioned although none of their rows is kept.
    """

    rule: str
    scenario: Scenario
    outcomes: tuple[Outcome, ...]
    target: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    may_skip: tuple[str, ...] = ()
    is_slow: bool = False


def report(what: str, text: str) -> None:
    """Print what is expected or observed, for the report of a failed case."""
    print(f"{what}: {text}")


def as_parameters(cases: Sequence[Case]) -> list[Any]:
    """Return the cases as pytest parameters, with their rules as ids."""
    return [
        pytest.param(case, id=case.rule.replace(" ", "-"), marks=[pytest.mark.slow] if case.is_slow else [])
        for case in cases
    ]


REFUSED: Final = (2, 3)
