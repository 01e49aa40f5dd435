"""The scrub of one object where it lies: the same for a Spark task, a Lambda and a test."""

import json
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO, Final, Literal

from lakewright.errors import ObjectRefusedError, OvertakenError, UnreachableError
from lakewright.in_place import ObjectsInPlace, Opened, Replaced, open_in_place
from lakewright.readers.json_lines import Block, UnreadableLinesError, blocks_of_lines, is_packed, peek, unpacked
from transforms.errors import NotARecordError
from transforms.json_text import Depth, Scrubber, scrubber, split_path

_TRIES_AT_A_MOVING_OBJECT: Final = 5
_IN_MEMORY: Final = 8 << 20
_SIDE_BY_SIDE: Final = 8
_LEFT: Final = "the object was left as it was"


@dataclass(frozen=True)
class ScrubRules:
    """What is scrubbed, and how; see ``transforms.json_text.scrub_line`` for the first three."""

    fields: tuple[str, ...]
    depth: Depth = "top"
    replacement: bytes = b'""'
    max_line_bytes: int = 16 << 20
    old_versions: Literal["keep", "delete"] = "keep"
    verify: bool = False

    def scrubber(self) -> Scrubber:
        """Give the scrubber of these fields."""
        return scrubber(self.fields, self.depth, self.replacement)


@dataclass(frozen=True)
class Scrubbed:
    """What became of one object.

    ``numbers`` are records, blanked (values that were anything else before), bytes_in, bytes_out, and where the bucket
    keeps versions, older_versions (that are still there) and deleted_versions.
    """

    path: str
    status: Literal["scrubbed", "already", "gone", "refused", "unreached"]
    reason: str = ""
    etag: str = ""
    size: int = 0
    numbers: dict[str, int] = field(default_factory=dict)


def scrub_objects(uri: str, paths: Sequence[str], rules: ScrubRules, *, again: bool) -> list[Scrubbed]:
    """Scrub some objects, several side by side; one that cannot be scrubbed is told, and stops no other."""
    objects = open_in_place(uri)
    with ThreadPoolExecutor(min(len(paths), _SIDE_BY_SIDE)) as pool:
        return list(pool.map(partial(_told, objects, rules=rules, again=again), paths))


def _told(objects: ObjectsInPlace, path: str, *, rules: ScrubRules, again: bool) -> Scrubbed:
    try:
        return scrub_object(objects, path, rules, again=again)
    except ObjectRefusedError as error:
        return Scrubbed(path, "refused", error.reasons.get(path, str(error)))
    except (UnreachableError, OvertakenError, OSError) as error:
        return Scrubbed(path, "unreached", str(error))


def scrub_object(objects: ObjectsInPlace, path: str, rules: ScrubRules, *, again: bool = False) -> Scrubbed:
    """Scrub one object: afterwards it is as it was, or scrubbed and marked as processed, and nothing in between.

    An object that is marked already is left alone, unless it is to be scrubbed ``again``.

    Raises:
        ObjectRefusedError: If a line of it is no JSON record, or it cannot be rewritten; it is then as it was.
        OvertakenError: If it was written again each time that it was read.
        UnreachableError: If it cannot be read or written.
    """
    for _ in range(_TRIES_AT_A_MOVING_OBJECT):
        opened = objects.open(path)
        if opened is None:
            return Scrubbed(path, "gone")
        if opened.is_processed and not again:
            opened.pieces.close()
            return _finished(objects, path, Replaced(opened.etag, opened.size, opened.version), rules, "already", {})
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            numbers = _scrub_into(body, path, opened, rules)  # type: ignore[arg-type]
            size = body.tell()
            body.seek(0)
            replaced = objects.replace(path, opened, body, size, is_same=not numbers["blanked"])  # type: ignore[arg-type]
        if replaced is not None:
            return _finished(objects, path, replaced, rules, "scrubbed", numbers | {"bytes_out": replaced.size})
    raise OvertakenError(f"{path} was written again {_TRIES_AT_A_MOVING_OBJECT} times while it was read; run again")


def _finished(
    objects: ObjectsInPlace,
    path: str,
    replaced: Replaced,
    rules: ScrubRules,
    status: Literal["scrubbed", "already"],
    numbers: dict[str, int],
) -> Scrubbed:
    """Prove it where that is wanted, and see to the older versions."""
    if rules.verify:
        _verify(objects, path, replaced, rules)
    older = objects.older_versions(path, replaced.version)
    if older and rules.old_versions == "delete":
        objects.delete_versions(path, replaced, older)
        numbers = numbers | {"older_versions": 0, "deleted_versions": len(older)}
    elif older:
        numbers = numbers | {"older_versions": len(older)}
    return Scrubbed(path, status, etag=replaced.etag, size=replaced.size, numbers=numbers)


def _scrub_into(body: BinaryIO, path: str, opened: Opened, rules: ScrubRules) -> dict[str, int]:
    """Write an object's scrubbed content, packed if it was; read to its end before anything is replaced."""
    head, pieces = peek(opened.pieces)
    packer: Any = zlib.compressobj(wbits=zlib.MAX_WBITS | 16) if is_packed(head) else None
    scrub, records, blanked = rules.scrubber().scrub, 0, 0
    for block in _blocks(path, pieces, rules, packed=is_packed(head)):
        scrubbed = []
        for number, line in enumerate(block.lines, block.first_line):
            try:
                text, changed = scrub(line)
            except NotARecordError as error:
                raise ObjectRefusedError({path: f"line {number} is no JSON record: {error}; {_LEFT}"}) from None
            scrubbed.append(text)
            blanked += changed
            records += bool(line.strip(b" \t\r\n\xef\xbb\xbf"))
        content = b"\n".join(scrubbed) + (b"\n" if block.ends else b"")
        body.write(packer.compress(content) if packer else content)
    if packer:
        body.write(packer.flush())
    return {"records": records, "blanked": blanked, "bytes_in": opened.size}


def _blocks(path: str, pieces: Iterator[bytes], rules: ScrubRules, *, packed: bool) -> Iterator[Block]:
    content = unpacked(pieces) if packed else pieces
    try:
        yield from blocks_of_lines(content, max_line_bytes=rules.max_line_bytes)
    except UnreadableLinesError as error:
        raise ObjectRefusedError({path: f"{error}; {_LEFT}"}) from None


def _verify(objects: ObjectsInPlace, path: str, replaced: Replaced, rules: ScrubRules) -> None:
    """Read an object once more, with a parser that knows nothing of the scrubber.

    Raises:
        ObjectRefusedError: If a field still holds anything but the replacement.
    """
    opened = objects.open(path)
    if opened is None or opened.etag != replaced.etag:
        return  # written again since: that object is another one's work
    head, pieces = peek(opened.pieces)
    paths = [(name,) if rules.depth == "any" else split_path(name) for name in rules.fields]
    blank = json.loads(rules.replacement)
    for block in _blocks(path, pieces, rules, packed=is_packed(head)):
        for number, line in enumerate(block.lines, block.first_line):
            text = line.decode().removeprefix("\ufeff").strip(" \t\r\n")
            record = json.loads(text, object_pairs_hook=tuple) if text else ()
            if any(_holds(record, names, blank, anywhere=rules.depth == "any") for names in paths):
                raise ObjectRefusedError({path: f"line {number} still holds a field that was to be scrubbed"})


def _holds(value: Any, names: tuple[str, ...], blank: Any, *, anywhere: bool) -> bool:
    """Tell whether a value (objects are tuples of pairs) has something else than the blank at a path, or anywhere."""
    if isinstance(value, list):
        return any(_holds(item, names, blank, anywhere=anywhere) for item in value)
    if not isinstance(value, tuple):
        return False
    for name, inside in value:
        if name == names[0] and len(names) == 1:
            if inside != blank:
                return True
        elif (anywhere or name == names[0]) and _holds(
            inside, names if anywhere else names[1:], blank, anywhere=anywhere
        ):
            return True
    return False
