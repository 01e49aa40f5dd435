"""Checks of the command line before typer parses it: unknown options, missing values, renamed options."""

import re
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import typer
from typer.core import TyperCommand

from jobs.cli.answers import print_error, usage_problem
from lakewright.config import suggest
from lakewright.errors import ConfigError
from lakewright.runs.progress.stderr import print_on_stderr

_FLAG_VALUES: Final = {"": True, "true": True, "false": False}


class StrictCommand(TyperCommand):
    """A command that refuses unknown options, and never reads an option as the value of another."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Check the arguments, then parse them.

        Raises:
            ConfigError: If an option is unknown, lacks its value, or is repeated although it has one value.
        """
        options = [option for option in self.get_params(ctx) if option.param_type_name == "option"]
        takes_value = {name: not getattr(option, "is_flag", False) for option in options for name in option.opts}
        checked = self.checked(args, takes_value)
        _check_repeated(checked, {name for option in options if not option.multiple for name in option.opts})
        return super().parse_args(ctx, checked)

    def checked(self, args: Sequence[str], takes_value: Mapping[str, bool]) -> list[str]:
        """Return the arguments for typer."""
        words = deque(args)
        checked: list[str] = []
        while words and words[0] != "--":
            word = words.popleft()
            checked.append(word)
            name, separator, value = word.partition("=")
            if name.startswith("--") and name not in takes_value:
                raise ConfigError(f"unknown option {name}{suggest(name, list(takes_value), mark='--')}")
            if not takes_value.get(name):
                continue
            if not separator and words:
                value = words.popleft()
                checked.append(value)
                if value.startswith("--"):
                    raise ConfigError(f"option {name} needs a value; if the value is {value}, write {name}={value}")
            if not value.strip():
                raise ConfigError(f"option {name} needs a value")
        return [*checked, *words]


class VerbCommand(StrictCommand):
    """A verb of the command line; usage errors are printed on one line, like all other errors."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; ``--conf`` is accepted as ``--config``."""
        try:
            return super().parse_args(ctx, _with_new_names(args))
        except (ConfigError, typer.TyperException) as error:
            print_error(usage_problem(error) if isinstance(error, typer.TyperException) else str(error))
            raise typer.Exit(ConfigError.exit_code) from None


class ScriptCommand(StrictCommand):
    """A job's script; Glue's job parameters are a map, so flags have a value: ``true``, ``false`` or nothing."""

    def checked(self, args: Sequence[str], takes_value: Mapping[str, bool]) -> list[str]:
        """Remove the values of flags, and flags that are ``false``."""
        words = deque(args)
        plain: list[str] = []
        while words:
            word = words.popleft()
            name, separator, value = word.partition("=")
            if takes_value.get(name, True):
                plain.append(word)
                continue
            if not separator and words and not words[0].startswith("--"):
                value = words.popleft()
            if value.lower() not in _FLAG_VALUES:
                raise ConfigError(f"option {name} must be true or false, not {value!r}")
            if _FLAG_VALUES[value.lower()]:
                plain.append(name)
        return super().checked(plain, takes_value)


def _check_repeated(args: Sequence[str], single: Collection[str]) -> None:
    names = [word.partition("=")[0] for word in args]
    if repeated := [name for name in names if name in single and names.count(name) > 1]:
        raise ConfigError(f"option {repeated[0]} is given twice")


def _with_new_names(args: Sequence[str]) -> list[str]:
    renamed = [re.sub("^--conf(?==|$)", "--config", word) for word in args]
    if renamed != list(args):
        print_on_stderr("warning: --conf is deprecated; use --config")
    return renamed
