"""What a scrub takes out of records, and what its log remembers of an object that was scrubbed."""

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
    """What is scrubbed, and how; see ``transforms.json.text.scrub_line`` for the first three.

    ``records`` says how records follow each other in an object, see ``transforms.json.framing``; it is no part of the
    name, since two framings that both fit an object find the same values in it.

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
    records: Records = "lines"

    @property
    def looks_first(self) -> bool:
        """Tell whether hidden fields are looked for before an object is replaced."""
        return self.on_hidden == "refuse" or bool(self.inside_strings)

    @property
    def looks(self) -> bool:
        """Tell whether hidden fields are looked for at all."""
        return self.verify or self.looks_first

    def name(self) -> str:
        """Name what is scrubbed, so that a log can tell by which rules an object was."""
        said: tuple[object, ...] = (sorted(self.fields), self.depth, self.replacement)
        if self.inside_strings:
            inside = self.inside_strings
            said += ("any" if inside == "any" else sorted(inside),)
        return sha256(repr(said).encode()).hexdigest()[:16]

    def notes(self, *, hidden: int) -> dict[str, str | int]:
        """Note of an object that it was scrubbed by these rules, and how many of its strings hide a field."""
        return {_RULES: self.name()} | ({_HIDDEN: hidden} if hidden else {})

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


def rules_of(scrubbed: SourceObject) -> str:
    """Name the rules that an object of the log was scrubbed by."""
    return str(scrubbed.notes.get(_RULES, ""))


def hides_fields(scrubbed: SourceObject) -> bool:
    """Tell whether an object of the log hid fields in strings when that was looked for."""
    return _HIDDEN in scrubbed.notes
