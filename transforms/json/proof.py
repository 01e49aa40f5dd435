"""Find fields that remain in scrubbed records, with a parser that is independent of the scrubber. No pyspark."""

import contextlib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from transforms.json.scan import after_match
from transforms.json.strings import AROUND, MOST_LEVELS, InsideStrings
from transforms.json.text import Depth
from transforms.key_paths import read_path

_Paths = list[tuple[str, ...]]
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROL: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass
class Remains:
    """Remains of a record: whether a field has a value other than the replacement, and the number of hiding strings.

    A string hides a field if it contains JSON, or a fragment of JSON, in which the field has a value other than the
    replacement, and it is not one of the strings that are scrubbed inside.
    """

    unscrubbed: bool = False
    hidden: int = 0


class ScrubProof:
    """Looks for fields in scrubbed records; for the arguments see ``transforms.json.strings.StringScrubber``."""

    def __init__(
        self, fields: Collection[str], depth: Depth, replacement: bytes, inside_strings: InsideStrings = ()
    ) -> None:
        self._anywhere = depth == "any"
        self._paths = self._split(fields)
        self._opened: _Paths = [] if inside_strings == "any" else self._split(inside_strings)
        self._opens_all = inside_strings == "any"
        self._blank = _parsed(replacement.decode())
        names = "|".join(re.escape(path[-1]) for path in self._paths)
        blank = re.escape(replacement.decode())
        # A member of an object, or the beginning of a fragment.
        self._member = re.compile(rf'(?:^|[{{,])\s*"(?:{names})"\s*:\s*+(?!{blank}\s*(?:[,}}\]]|$))')

    def check(self, line: str) -> Remains:
        """Check one record.

        Raises:
            ValueError: If it is not JSON.
            RecursionError: If it is nested too deeply.
        """
        return self.check_parsed(_parsed(line))

    def check_parsed(self, record: Any) -> Remains:
        """Check one record that ``DECODER`` has parsed.

        Raises:
            RecursionError: If it is nested too deeply.
        """
        remains = Remains()
        self._check(record, self._paths, self._opened, remains, is_open=self._opens_all, level=0)
        return remains

    def _split(self, fields: Collection[str]) -> _Paths:
        return [(name,) if self._anywhere else read_path(name) for name in fields]

    def _check(self, value: Any, paths: _Paths, opened: _Paths, remains: Remains, *, is_open: bool, level: int) -> None:
        if isinstance(value, list):
            for item in value:
                self._check(item, paths, opened, remains, is_open=is_open, level=level)
        elif isinstance(value, tuple):
            for name, inside in value:
                remains.hidden += self._hides(name, [], level)
                below = self._below(paths, name)
                opened_below = self._below(opened, name) if opened else opened
                if () in below:
                    remains.unscrubbed |= not self._is_blank(inside)
                else:
                    opens = is_open or () in opened_below
                    self._check(inside, below, opened_below, remains, is_open=opens, level=level)
        elif type(value) is str:
            if is_open and (documents := _documents(value)) is not None and level < MOST_LEVELS:
                for document in documents:
                    self._check(document, self._paths + paths, [], remains, is_open=True, level=level + 1)
            else:
                remains.hidden += self._hides(value, paths, level)

    def _below(self, paths: _Paths, name: str) -> _Paths:
        """Return the paths to look for in the value of a key; an empty path is the value itself."""
        rest = [path[1:] for path in paths if path and path[0] == name]
        return rest if not self._anywhere or () in rest else paths

    def _is_blank(self, value: Any) -> bool:
        return type(value) is type(self._blank) and bool(value == self._blank)

    def _hides(self, text: str, paths: _Paths, level: int) -> bool:
        """Return whether a text contains one of the fields: at its path in whole JSON, anywhere in a fragment."""
        if '"' not in text and "\\u0022" not in text:
            return False
        documents = _documents(text) if level < MOST_LEVELS else None
        if documents is not None:
            remains = Remains()
            with contextlib.suppress(RecursionError):
                for document in documents:
                    self._check(document, self._paths + paths, [], remains, is_open=False, level=level + 1)
                return remains.unscrubbed or remains.hidden > 0
        return any(self._member.search(unescaped) for unescaped in _unescaped(text))


class _Number(str):
    """A number in its original notation, distinct from a string."""


_PARSE: Final[dict[str, Any]] = {"object_pairs_hook": tuple, "parse_int": _Number, "parse_float": _Number}
#: Preserves duplicate keys, and the notation of numbers.
DECODER: Final = json.JSONDecoder(**_PARSE)
_lenient: Final = json.JSONDecoder(strict=False, **_PARSE)


def _parsed(text: str) -> Any:
    """Parse JSON; objects become tuples of pairs, so that duplicate keys are preserved."""
    return DECODER.decode(text)


def _documents(text: str) -> list[Any] | None:
    """Parse a text as a sequence of JSON documents; None if it is not one."""
    documents: list[Any] = []
    position = 0
    try:
        while (position := after_match(AROUND, text, position)) < len(text):
            document, position = _lenient.raw_decode(text, position)
            documents.append(document)
    except (ValueError, RecursionError):
        return None
    return documents


def _unescaped(text: str) -> Iterator[str]:
    """Yield a text, and the text with one more level of JSON escapes removed each time."""
    yield text
    for _ in range(MOST_LEVELS):
        if "\\" not in text:
            return
        text = _ESCAPE.sub(_without_escape, text)
        yield text


def _without_escape(escape: "re.Match[str]") -> str:
    return chr(int(escape[1], 16)) if escape[1] else _CONTROL.get(escape[2], escape[2])
