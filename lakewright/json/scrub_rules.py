"""The rules of a scrub, and the notes on scrubbed objects in its log."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from lakewright.config import MAX_RECORD_BYTES
from lakewright.log.records import SourceObject
from transforms.json.framing import Records
from transforms.json.proof import ScrubProof
from transforms.json.strings import InsideStrings, StringScrubber, scrubber_inside
from transforms.json.text import Depth, Scrubber

_RULES: Final = "rules"
_HIDDEN: Final = "hidden"


@dataclass(frozen=True)
class ScrubRules:
    """What to scrub, and how; ``fields``, ``depth`` and ``replacement`` as in ``transforms.json.text.scrub_line``.

    ``records`` is the framing of an object, see ``transforms.json.framing``; it is not part of the name, since two
    framings that both fit an object find the same values in it.

    ``inside_strings`` is as in ``transforms.json.strings.StringScrubber``. If an object hides fields in strings that
    are not scrubbed inside, ``on_hidden: refuse`` leaves it unchanged; otherwise it is scrubbed, and such strings are
    counted.
    """

    fields: tuple[str, ...]
    depth: Depth = "top"
    replacement: bytes = b'""'
    max_record_bytes: int = MAX_RECORD_BYTES
    old_versions: Literal["keep", "delete"] = "keep"
    verify: bool = False
    inside_strings: InsideStrings = ()
    on_hidden: Literal["warn", "refuse"] = "warn"
    records: Records = "lines"

    @property
    def looks_first(self) -> bool:
        """Whether to look for hidden fields before an object is replaced."""
        return self.on_hidden == "refuse" or bool(self.inside_strings)

    @property
    def looks(self) -> bool:
        """Whether to look for hidden fields at all."""
        return self.verify or self.looks_first

    def name(self) -> str:
        """Return a fingerprint of the rules, by which the log knows how an object was scrubbed."""
        rules: tuple[object, ...] = (sorted(self.fields), self.depth, self.replacement)
        if self.inside_strings:
            inside = self.inside_strings
            rules += ("any" if inside == "any" else sorted(inside),)
        return sha256(repr(rules).encode()).hexdigest()[:16]

    def notes(self, *, hidden: int) -> dict[str, str | int]:
        """Return the notes on a scrubbed object: these rules, and the number of its strings that hide a field."""
        return {_RULES: self.name()} | ({_HIDDEN: hidden} if hidden else {})

    def advice(self) -> str:
        """Advise what to do about strings that hide fields."""
        if self.inside_strings == "any":
            return "strings that are only partly JSON cannot be scrubbed inside"
        return "add their fields to scrub.inside_strings"

    def scrubber(self) -> Scrubber | StringScrubber:
        """Return the scrubber of these fields."""
        return scrubber_inside(self.fields, self.depth, self.replacement, self.inside_strings)

    def proof(self) -> ScrubProof:
        """Return the check for fields that remain in a record, or are hidden in it."""
        return ScrubProof(self.fields, self.depth, self.replacement, self.inside_strings)


def rules_of(scrubbed: SourceObject) -> str:
    """Return the fingerprint of the rules by which an object of the log was scrubbed."""
    return str(scrubbed.notes.get(_RULES, ""))


def hides_fields(scrubbed: SourceObject) -> bool:
    """Return whether an object of the log hid fields in strings when it was last checked."""
    return _HIDDEN in scrubbed.notes
