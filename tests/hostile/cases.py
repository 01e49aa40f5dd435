"""What a hostile case is: an input, commands, and the ways in which they may end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

#: A value of the data; it must stand in no message, receipt or log.
CANARY: Final = "canary-7f3a@example.org"

Row = tuple[Any, ...]
#: A word that must be there, in any case; of a tuple, one of them.
Words = str | tuple[str, ...]


@dataclass(frozen=True)
class Link:
    """A symbolic link in a lake; ``{lake}`` and ``{root}`` stand for the lake and the folder that it lies in."""

    to: str


@dataclass(frozen=True)
class Stored:
    """An object in S3 that is stored in an unusual way."""

    body: bytes
    storage_class: str = "STANDARD"
    is_restored: bool = False


#: Files by their paths in the lake; None deletes one.
Files = Mapping[str, "bytes | Link | Stored | None"]


@dataclass(frozen=True)
class Step:
    """What arrives, and a command that follows; the arguments may hold ``{lake}``, ``{conf}`` and ``{root}``."""

    arguments: tuple[str, ...] = ("run", "f")
    files: Files = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scenario:
    """Feeds and steps over one lake; several cases may look at what one scenario leaves.

    Attributes:
        feeds: By name; text is written as it is.
        outside: Files beside the lake, by their paths.
        is_on_s3: Whether the lake is a bucket.
        where: Options that stand behind the arguments of each step.
    """

    feeds: Mapping[str, Mapping[str, Any] | str]
    steps: tuple[Step, ...]
    outside: Mapping[str, bytes] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    is_on_s3: bool = False
    where: tuple[str, ...] = ("--lake", "{lake}", "--config", "{conf}", "--json")


@dataclass(frozen=True)
class Ending:
    """One way in which a case may end.

    Attributes:
        exit_code: Of the last command, or of the case's target in it; ``before``: those of the commands before.
        says: What stands on stderr, or, of a case with a target, in what the command says of that; ``never_says``:
            what does not.
        rows: What the table holds, in any order, in the columns of the case.
        rejected: How many rows the last command rejected.
        files: What must lie at paths of the lake afterwards; None: nothing.
    """

    exit_code: int | tuple[int, ...] = 0
    says: tuple[Words, ...] = ()
    never_says: tuple[str, ...] = ()
    rows: Sequence[Row] | None = None
    rejected: int | None = None
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    before: tuple[int | tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Case:
    """A rule, a scenario, and the ways in which it may end; any of them will do.

    Attributes:
        target: Look at this target of the last command alone.
        table: The table's folder in the lake.
        columns: Columns of the table; without them the values of all columns count, in the order of their texts.
        never: Words that must stand in no answer and nowhere in the state.
        may_skip: Paths that need not be named although no row of theirs is anywhere.
    """

    rule: str
    scenario: Scenario
    endings: tuple[Ending, ...]
    target: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    may_skip: tuple[str, ...] = ()
    is_slow: bool = False


def tell(what: str, text: str) -> None:
    """Say what is expected or seen, for whom a failed case is shown to."""
    print(f"{what}: {text}")


def as_parameters(cases: Sequence[Case]) -> list[Any]:
    """Give the cases to pytest, by their rules."""
    return [
        pytest.param(case, id=case.rule.replace(" ", "-"), marks=[pytest.mark.slow] if case.is_slow else [])
        for case in cases
    ]


REFUSED: Final = (2, 3)
