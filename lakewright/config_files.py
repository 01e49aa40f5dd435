"""Config files: YAML to models, with errors that name file, line and key and suggest corrections."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from lakewright.config import Model, suggest
from lakewright.errors import ConfigError, UnreachableError
from lakewright.settings import Setting, read_settings
from lakewright.storage.lake import Lake
from lakewright.storage.uris import open_lake

_BYTES: Final = "expected a number of bytes, or a size such as 2GB"
#: For pydantic's names of Python types.
_PLAIN_MESSAGES: Final = {
    "tuple_type": "expected a list, such as [day]",
    "dict_type": "expected keys and values; {} for none",
    "model_type": "expected keys and values; {} for none",
    "byte_size": _BYTES,
    "byte_size_unit": _BYTES,
}
#: What PyYAML raises for scalars that contradict their type, besides its own errors.
_UNREADABLE: Final = (ValueError, ArithmeticError, AttributeError, LookupError)
_UNION_MEMBERS: Final = frozenset({"str", "int", "float", "bool"})

M = TypeVar("M", bound=Model)


class Conf:
    """A folder of feeds: local, or ``s3://bucket/prefix``."""

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/")
        self._is_remote = "://" in uri

    def names(self) -> list[str]:
        """Return the names of all feeds, sorted.

        Raises:
            ConfigError: If the folder or bucket does not exist.
        """
        if self._is_remote:
            with self._named(f"{self.uri}/feeds/"):
                paths = [entry.path.removeprefix("feeds/") for entry in self._storage.list("feeds/")]
        elif Path(self.uri).is_dir():
            paths = [path.name for path in Path(self.uri, "feeds").glob("*.yaml")]
        else:
            raise ConfigError(f"no such config folder: {self.uri}")
        return sorted(path.removesuffix(".yaml") for path in paths if path.endswith(".yaml") and "/" not in path)

    def path(self, name: str) -> str:
        """Return the path of a feed's file."""
        return f"{self.uri}/feeds/{name}.yaml"

    def text(self, name: str) -> str:
        """Read the file of a feed.

        Raises:
            ConfigError: If it does not exist.
        """
        text = self.read(f"feeds/{name}.yaml")
        if text is None:
            raise ConfigError(f"unknown feed {name!r} in {self.uri}{suggest(name, self.names())}")
        return text

    def read(self, file: str) -> str | None:
        """Read a file of the folder; None if it does not exist.

        Raises:
            ConfigError: If it is not UTF-8 text.
        """
        try:
            if self._is_remote:
                with self._named(f"{self.uri}/{file}"):
                    return self._storage.read(file).decode()
            return Path(self.uri, file).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (UnicodeDecodeError, OSError) as error:
            raise ConfigError(f"{self.uri}/{file}: cannot be read as UTF-8 text: {error}") from error

    @cached_property
    def _storage(self) -> Lake:
        return open_lake(self.uri)

    @contextmanager
    def _named(self, path: str) -> Iterator[None]:
        """Prefix errors with the path that cannot be read."""
        try:
            yield
        except (ConfigError, UnreachableError) as error:
            raise type(error)(f"{path}: {error}") from error


class Document:
    """A parsed config file before validation: a mapping, and the line of each key."""

    def __init__(self, path: str, text: str, *, what: str) -> None:
        """Parse the text of a file; ``what`` is the error message if it is not a mapping."""
        self.path = path
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            self.values: Any = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f":{mark.line + 1}" if mark else ""
            problem = getattr(error, "problem", None) or "not YAML"
            raise ConfigError(f"{self.path}{line}: not readable as YAML: {problem}") from error
        except _UNREADABLE as error:
            raise ConfigError(f"{self.path}{_describe_unreadable(node)}") from error
        except RecursionError as error:
            raise ConfigError(f"{self.path}: not readable as YAML: it is nested too deeply") from error
        self._require_whole_characters(node)
        if not isinstance(self.values, dict):
            raise ConfigError(f"{self.path}: {what}")
        self._places: dict[tuple[str, ...], str] = {}
        self._note_places(node, ())

    def parse(self, model: type[M]) -> M:
        """Validate the document.

        Raises:
            ConfigError: With one line per problem, each naming file, line and key.
        """
        try:
            return model.model_validate(self.values)
        except ValidationError as error:
            problems = [self._describe(model, problem) for problem in error.errors()]
            raise ConfigError("\n".join(dict.fromkeys(problems))) from None

    def place(self, keys: tuple[str, ...]) -> str:
        """Return the place of a key, or of the nearest enclosing one: file and line, or the setting."""
        known = (keys[:end] for end in range(len(keys), 0, -1) if keys[:end] in self._places)
        return next((self._places[key] for key in known), self.path)

    def _require_whole_characters(self, node: yaml.Node | None) -> None:
        for scalar in _scalars(node):
            if any("\ud800" <= character <= "\udfff" for character in scalar.value):
                line = scalar.start_mark.line + 1
                raise ConfigError(
                    f"{self.path}:{line}: {scalar.value!r} has half of a surrogate pair, which is not a character"
                )

    def _note_places(self, node: yaml.Node | None, path: tuple[str, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = (*path, str(key.value))
                place = f"{self.path}:{key.start_mark.line + 1}"
                if here in self._places:
                    raise ConfigError(f"{place}: the key {'.'.join(here)} is repeated")
                self._places[here] = place
                self._note_places(value, here)

    def _describe(self, model: type[BaseModel], problem: Mapping[str, Any]) -> str:
        keys = self._keys_of(problem["loc"])
        where = self.place(keys)
        name = ".".join(keys)
        if problem["type"] == "extra_forbidden":
            return f"{where}: unknown key {name}{suggest(keys[-1], _keys_at(model, keys[:-1]))}"
        if problem["type"] == "missing":
            return f"{where}: the key {name} is missing"
        message = _PLAIN_MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        # Names such as UTF-8 stay as they are.
        begin = message[0] if message[1:2].isupper() else message[0].lower()
        return f"{where}: {name or 'feed'}: {begin}{message[1:]}"

    def _keys_of(self, location: Sequence[str | int]) -> tuple[str, ...]:
        """Return the keys of a pydantic location, without the members of unions that it includes."""
        keys, value = [], self.values
        for part in location:
            is_key = isinstance(value, dict) and part in value
            if is_key or isinstance(part, int) or not ("[" in part or part in _UNION_MEMBERS):
                keys.append(str(part))
            value = value[part] if is_key else None
        return tuple(keys)


class FeedDocument(Document):
    """A feed file with settings (``--set``) applied."""

    def __init__(self, conf: Conf, name: str, settings: Sequence[str] = ()) -> None:
        self.name = name
        super().__init__(conf.path(name), conf.text(name), what="a feed must be a mapping, starting with job:")
        for setting in read_settings(settings):
            self._set(setting)

    @property
    def job(self) -> str:
        """The job of this feed."""
        job = self.values.get("job")
        if not isinstance(job, str):
            raise ConfigError(f"{self.path}: the key job: is missing; it names the job that runs this feed")
        return job

    def _set(self, setting: Setting) -> None:
        *parents, last = keys = setting.keys
        for end in range(1, len(keys) + 1):
            if end == len(keys) or keys[:end] not in self._places:
                self._places[keys[:end]] = str(setting)
        values = self.values
        for parent in parents:
            values = values.setdefault(parent, {})
            if not isinstance(values, dict):
                raise ConfigError(f"{setting}: {parent} is not a mapping")
        values[last] = setting.value()


def _describe_unreadable(node: yaml.Node | None) -> str:
    """Return the line of the first scalar that looks like a date or a number but is none, and what to do."""
    constructor = yaml.constructor.SafeConstructor()
    for scalar in _scalars(node):
        try:
            with suppress(yaml.YAMLError):
                constructor.construct_object(scalar)
        except _UNREADABLE:
            line = scalar.start_mark.line + 1
            return f":{line}: YAML reads {scalar.value} as a date or a number, which it is not; write it in quotes"
    return ": not readable as YAML"


def _scalars(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Return the scalars of a document in their order; an alias repeats none."""
    nodes, seen = [node], set[int]()
    while nodes:
        each = nodes.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, yaml.ScalarNode):
            yield each
        elif isinstance(each, yaml.MappingNode):
            nodes += [part for pair in reversed(each.value) for part in reversed(pair)]
        else:
            nodes += reversed(each.value)


def _keys_at(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """Return the known keys at a path in a model."""
    fields = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
    if not path:
        return list(fields)
    for candidate in _models_in(fields.get(path[0])):
        if keys := _keys_at(candidate, path[1:]):
            return keys
    for candidate in _models_in(fields.get(path[0])):
        if len(path) > 1 and (keys := _keys_at(candidate, path[2:])):
            return keys
    return []


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
