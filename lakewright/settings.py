"""Settings of the command line that override keys of a feed: ``KEY=VALUE[,KEY=VALUE…]``, in one or more arguments."""

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from lakewright.errors import ConfigError

#: A comma ends a value only before a key and ``=``.
_NEXT: Final = re.compile(r",\s*(?=[^\W\d][\w.-]*=)")


@dataclass(frozen=True)
class Setting:
    """A dotted key, and its value as written."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"--set {self.key}={self.text}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The path of keys in the feed."""
        return tuple(self.key.split("."))

    def value(self) -> Any:
        """The value parsed as JSON or YAML, else as text."""
        try:
            return _parsed(self.text)
        except ValueError:
            return self.text


def read_settings(arguments: Sequence[str]) -> list[Setting]:
    """Parse the arguments of ``--set``.

    Raises:
        ConfigError: If one is not ``KEY=VALUE``, or if a setting overwrites another.
    """
    settings: list[Setting] = []
    for setting in (setting for argument in arguments for setting in _read(argument)):
        for earlier in settings:
            if setting != earlier and earlier.keys[: len(setting.keys)] == setting.keys:
                raise ConfigError(f"{setting} overwrites {earlier}; set each key once")
        settings.append(setting)
    return settings


def _read(argument: str) -> Iterator[Setting]:
    begin, ends = 0, [*(comma.span() for comma in _NEXT.finditer(argument)), (len(argument), len(argument))]
    while ends:
        key, separator, text = argument[begin : ends[0][0]].partition("=")
        if not separator or not key.strip():
            raise ConfigError(f"--set needs KEY=VALUE[,KEY=VALUE…], not {argument!r}")
        texts = [argument[begin + len(key) + 1 : end] for end, _ in ends]
        # A list, a mapping or a quoted text extends to where it parses, past commas that look like its end.
        may_extend = text[:1] in ("{", "[", '"', "'")
        chosen = next((number for number, text in enumerate(texts) if may_extend and _parses(text)), 0)
        yield Setting(key.strip(), texts[chosen])
        begin, ends = ends[chosen][1], ends[chosen + 1 :]


def _parses(text: str) -> bool:
    with contextlib.suppress(ValueError):
        _parsed(text)
        return True
    return False


def _parsed(text: str) -> Any:
    """Parse JSON or YAML; lists and objects are tried as JSON first, since YAML reads some JSON strings differently."""
    if text[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            return json.loads(text)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(text) from error
