"""The scrub of one object where it lies: the same for a Spark task, a Lambda and a test."""

import tempfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, BinaryIO, Final, Literal

from lakewright.config import MAX_RECORD_BYTES
from lakewright.errors import DamagedGzipError, ObjectRefusedError, OvertakenError, UnreachableError, cause_of
from lakewright.json.lines import Block, blocks_of_lines
from lakewright.storage.gzip import gunzip, is_gzip, peek
from lakewright.storage.in_place import ObjectsInPlace, Opened, Replaced
from lakewright.storage.uris import open_in_place
from transforms.errors import LakewrightError, LongRecordError, NotARecordError
from transforms.json.proof import ScrubProof
from transforms.json.strings import InsideStrings, StringScrubber, has_quote_inside, scrubber_inside
from transforms.json.text import Depth, Scrubber

_TRIES_AT_A_MOVING_OBJECT: Final = 5
_IN_MEMORY: Final = 8 << 20
_UNPACKED_BYTES: Final = 1 << 20
_SIDE_BY_SIDE: Final = 8
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
_LEFT: Final = "the object was left as it was"
_HIDING: Final = " hiding"


@dataclass(frozen=True)
class ScrubRules:
    """What is scrubbed, and how; see ``transforms.json.text.scrub_line`` for the first three.

    ``inside_strings`` are as in ``transforms.json.strings.StringScrubber``. An object that hides fields in strings that
    are not scrubbed inside is left as it was with ``on_hidden: refuse``; else it is scrubbed, and they are counted.
    """

    fields: tuple[str, ...]
    depth: Depth = "top"
    replacement: bytes = b'""'
    max_record_bytes: int = MAX_RECORD_BYTES
    old_versions: Literal["keep", "delete"] = "keep"
    verify: bool = False
    inside_strings: InsideStrings = ()
    on_hidden: Literal["warn", "refuse"] = "warn"

    @property
    def looks_first(self) -> bool:
        """Tell whether hidden fields are looked for before an object is replaced."""
        return self.on_hidden == "refuse" or bool(self.inside_strings)

    @property
    def looks(self) -> bool:
        """Tell whether hidden fields are looked for at all."""
        return self.verify or self.looks_first

    def name(self, *, hides: bool = False) -> str:
        """Name what is scrubbed, so that a log can tell by which rules an object was, and whether it hides fields."""
        said: tuple[object, ...] = (sorted(self.fields), self.depth, self.replacement)
        if self.inside_strings:
            inside = self.inside_strings
            said += ("any" if inside == "any" else sorted(inside),)
        return sha256(repr(said).encode()).hexdigest()[:16] + (_HIDING if hides else "")

    def advice(self) -> str:
        """Say what can be done about strings that hide fields."""
        if self.inside_strings == "any":
            return "what is not JSON from end to end cannot be scrubbed inside"
        return "name their fields in scrub.inside_strings"

    def scrubber(self) -> Scrubber | StringScrubber:
        """Give the scrubber of these fields."""
        return scrubber_inside(self.fields, self.depth, self.replacement, self.inside_strings)

    def proof(self) -> ScrubProof:
        """Give what tells whether a record still holds these fields, or hides them."""
        return ScrubProof(self.fields, self.depth, self.replacement, self.inside_strings)


@dataclass(frozen=True)
class Scrubbed:
    """What became of one object.

    ``numbers`` are records (that were read), records_out (that were written), blanked (values that were anything else
    before), hidden (strings with JSON that holds such values; where it was looked for), bytes_in, bytes_out, and where
    the bucket keeps versions, older_versions (that are still there) and deleted_versions; of an object that was found
    done or gone, ``{"already": 1}`` or ``{"gone": 1}``.
    """

    path: str
    status: Literal["scrubbed", "already", "gone", "refused", "unreached"]
    reason: str = ""
    etag: str = ""
    size: int = 0
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def hidden(self) -> int:
        """Count the strings that hide a field."""
        return self.numbers.get("hidden", 0)


def scrub_objects(uri: str, objects: Sequence[tuple[str, bool]], *, rules: ScrubRules) -> list[Scrubbed]:
    """Scrub some objects, several side by side; one that cannot be scrubbed is told, and stops no other.

    ``objects`` are paths, and whether they are scrubbed again, whatever marks they carry.
    """
    in_place = open_in_place(uri)
    with ThreadPoolExecutor(min(len(objects), _SIDE_BY_SIDE)) as pool:
        return list(pool.map(lambda named: _told(in_place, named[0], rules, again=named[1]), objects))


def _told(objects: ObjectsInPlace, path: str, rules: ScrubRules, *, again: bool) -> Scrubbed:
    try:
        return scrub_object(objects, path, rules, again=again)
    except ObjectRefusedError as error:
        return Scrubbed(path, "refused", error.reasons.get(path, str(error)))
    except LakewrightError as error:
        return Scrubbed(path, "unreached", str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this object's, and no other's
        return Scrubbed(path, "unreached", f"unexpected {cause_of(error)}")


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
            return Scrubbed(path, "gone", numbers={"gone": 1})
        if opened.is_processed and not again:
            opened.pieces.close()
            found = Replaced(opened.etag, opened.size, opened.version)
            return _finished(objects, path, found, rules, "already", {"already": 1})
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            try:
                numbers = _scrub_into(body, path, opened, rules)  # type: ignore[arg-type]
            except OvertakenError:  # written again while it was read
                continue
            size = numbers["bytes_out"] = body.tell()
            body.seek(0)
            replaced = objects.replace(path, opened, body, size, is_same=not numbers["blanked"])  # type: ignore[arg-type]
        if replaced is not None:
            return _finished(objects, path, replaced, rules, "scrubbed", numbers)
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
    # Nobody has looked for hidden fields in what others have marked.
    if rules.verify or (status == "already" and rules.on_hidden == "refuse"):
        numbers = numbers | _verify(objects, path, replaced, rules, status)
    older = objects.older_versions(path, replaced.version)
    if older and rules.old_versions == "delete":
        try:
            objects.delete_versions(path, replaced, older)
        except UnreachableError as error:
            raise UnreachableError(f"it is scrubbed, but older versions are still there: {error}") from error
        numbers = numbers | {"older_versions": 0, "deleted_versions": len(older)}
    elif older:
        numbers = numbers | {"older_versions": len(older)}
    return Scrubbed(path, status, etag=replaced.etag, size=replaced.size, numbers=numbers)


def _scrub_into(body: BinaryIO, path: str, opened: Opened, rules: ScrubRules) -> dict[str, int]:
    """Write an object's scrubbed content, packed if it was; read to its end before anything is replaced."""
    head, pieces = peek(opened.pieces)
    packer: Any = zlib.compressobj(wbits=zlib.MAX_WBITS | 16) if is_gzip(head) else None
    scrub, hidden = rules.scrubber().scrub, _Hidden(path, rules)
    records = records_out = blanked = 0
    for block in _blocks(path, pieces, rules, packed=is_gzip(head)):
        scrubbed = []
        for number, line in enumerate(block.lines, block.first_line):
            try:
                text, changed = scrub(line)
            except NotARecordError as error:
                raise ObjectRefusedError({path: f"line {number} is no JSON record: {error}; {_LEFT}"}) from None
            if rules.looks_first and has_quote_inside(text):
                hidden.look(number, text)
            scrubbed.append(text)
            blanked += changed
            records += bool(line.strip(_BLANK))
        content = b"\n".join(scrubbed) + (b"\n" if block.ends else b"")
        records_out += sum(bool(line.strip(_BLANK)) for line in content.split(b"\n"))
        body.write(packer.compress(content) if packer else content)
    if packer:
        body.write(packer.flush())
    hidden.refuse_if_asked(_LEFT)
    numbers = {"records": records, "records_out": records_out, "blanked": blanked, "bytes_in": opened.size}
    return numbers | ({"hidden": hidden.count} if rules.looks_first else {})


def _blocks(path: str, pieces: Iterator[bytes], rules: ScrubRules, *, packed: bool) -> Iterator[Block]:
    content = gunzip(pieces, piece_bytes=_UNPACKED_BYTES) if packed else pieces
    try:
        yield from blocks_of_lines(content, max_record_bytes=rules.max_record_bytes)
    except (DamagedGzipError, LongRecordError) as error:
        raise ObjectRefusedError({path: f"{error}; {_LEFT}"}) from None


def _verify(
    objects: ObjectsInPlace, path: str, replaced: Replaced, rules: ScrubRules, status: Literal["scrubbed", "already"]
) -> dict[str, int]:
    """Read an object once more, with a parser that knows nothing of the scrubber.

    Returns:
        How many records it has and how many strings hide a field, as far as that is news of an object of this status;
        nothing if it was written again since, which makes it another one's work.

    Raises:
        ObjectRefusedError: If a field still holds anything but the replacement, or is hidden and must not be.
    """
    opened = objects.open(path)
    if opened is None or opened.etag != replaced.etag:
        return {}
    head, pieces = peek(opened.pieces)
    hidden = _Hidden(path, rules)
    records = 0
    try:
        for block in _blocks(path, pieces, rules, packed=is_gzip(head)):
            for number, line in enumerate(block.lines, block.first_line):
                records += hidden.look(number, line)
    except OvertakenError:  # written again while it was read
        return {}
    hidden.refuse_if_asked("the object is marked as processed")
    if status == "already":
        return {"hidden": hidden.count} if hidden.count else {}
    return {"records_out": records, "hidden": hidden.count}


class _Hidden:
    """The strings of an object that hide a field, counted line by line."""

    def __init__(self, path: str, rules: ScrubRules) -> None:
        self._path, self._rules, self._proof = path, rules, rules.proof()
        self._first_line = 0
        self.count = 0

    def look(self, number: int, line: bytes) -> bool:
        """Look at a line; tell whether it is a record.

        Raises:
            ObjectRefusedError: If a field still holds anything but the replacement.
        """
        try:
            text = line.decode().removeprefix("\ufeff").strip(" \t\r\n")
            if not text:
                return False
            left = self._proof.look(text)
        except (ValueError, RecursionError) as error:
            raise ObjectRefusedError({self._path: f"line {number} cannot be read again: {cause_of(error)}"}) from None
        if left.holds:
            raise ObjectRefusedError({self._path: f"line {number} still holds a field that was to be scrubbed"})
        self._first_line = self._first_line or (number if left.hidden else 0)
        self.count += left.hidden
        return True

    def refuse_if_asked(self, what: str) -> None:
        """Refuse the object if it hides fields and the rules say so; ``what`` says what it is like now.

        Raises:
            ObjectRefusedError: If that is so.
        """
        if self.count and self._rules.on_hidden == "refuse":
            strings = (
                f"{self.count} strings, first in line {self._first_line}, hide"
                if self.count > 1
                else (f"a string in line {self._first_line} hides")
            )
            raise ObjectRefusedError(
                {self._path: f"{strings} a field to scrub in JSON; {self._rules.advice()}; {what}"}
            )
