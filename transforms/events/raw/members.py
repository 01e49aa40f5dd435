"""JSON objects as the raw texts of their members, so that a part can be replaced while every other byte stays."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

_DECODER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
#: The blanks of JSON.
BLANKS: Final = b" \t\r\n"
#: Quotes and colon, and the comma or a brace.
_AROUND_A_MEMBER: Final = 4


class RepeatedKeyError(Exception):
    """Raised when an object has a key twice."""


def read_members(text: bytes) -> dict[str, bytes] | None:
    """Return the raw text of each member; None if the text is JSON but not an object.

    Raises:
        RepeatedKeyError: If a key occurs twice.
        msgspec.DecodeError: If the text is not JSON.
        UnicodeDecodeError: If a key is not UTF-8.
        RecursionError: If it is nested too deeply.
    """
    try:
        raw = _DECODER.decode(text)
    except msgspec.ValidationError:
        return None
    members = {key: bytes(value) for key, value in raw.items()}
    if _may_repeat(text, members) and _repeats(text):
        raise RepeatedKeyError
    return members


def write_members(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the text of an object with these members."""
    return b"{" + b",".join(_encoded(key) + value for key, value in members) + b"}"


def _may_repeat(text: bytes, members: Mapping[str, bytes]) -> bool:
    """Return False if the members with their keys make up the whole text, so that none was merged."""
    length = sum(len(key.encode()) + len(value) + _AROUND_A_MEMBER for key, value in members.items())
    return length + 1 != len(text.strip(BLANKS))


def _repeats(text: bytes) -> bool:
    sizes = [(0, 0)]

    def note(pairs: list[tuple[str, Any]]) -> None:
        sizes[0] = (len(pairs), len({key for key, _ in pairs}))

    json.loads(text, object_pairs_hook=note, parse_int=str, parse_float=str)  # the outermost object ends last
    return sizes[0][0] != sizes[0][1]


@lru_cache(maxsize=4096)
def _encoded(key: str) -> bytes:
    return msgspec.json.encode(key) + b":"
