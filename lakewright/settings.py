"""Settings of a command line over a feed's own: ``KEY=VALUE[,KEY=VALUE…]``, in one argument or in several."""

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from lakewright.errors import ConfigError

#: A comma ends a value only if a key and ``=`` follow.
_NEXT: Final = re.compile(r",\s*(?=[^\W\d][\w.-]*=)")


@dataclass(frozen=True)
class Setting:
    """A key, in which dots lead inside, and its value as written."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"--set {self.key}={self.text}"

    @property
    def keys(self) -> tuple[str, ...]:
        """Give the keys from the feed's top down."""
        return tuple(self.key.split("."))

    def value(self) -> Any:
        """Read the value as JSON or YAML; what is neither is text."""
        try:
            return _parsed(self.text)
        except ValueError:
            return self.text


def read_settings(arguments: Sequence[str]) -> list[Setting]:
    """Read the arguments of ``--set``.

    Raises:
        ConfigError: If one is not ``KEY=VALUE``, or if a setting would overwrite another.
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
            raise ConfigError(f"--set takes KEY=VALUE[,KEY=VALUE…], not {argument!r}")
        texts = [argument[begin + len(key) + 1 : end] for end, _ in ends]
        # A list, a mapping or a text in quotes goes on to where it can be read, past commas that look like ends.
        may_go_on = text[:1] in ("{", "[", '"', "'")
        chosen = next((number for number, text in enumerate(texts) if may_go_on and _can_be_read(text)), 0)
        yield Setting(key.strip(), texts[chosen])
        begin, ends = ends[chosen][1], ends[chosen + 1 :]


def _can_be_read(text: str) -> bool:
    with contextlib.suppress(ValueError):
        _parsed(text)
        return True
    return False


def _parsed(text: str) -> Any:
    """Read JSON or YAML; a list or an object is JSON first, of which YAML takes some characters for others."""
    if text[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            return json.loads(text)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(text) from error
