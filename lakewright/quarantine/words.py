"""What each rule means, in one sentence."""

from typing import Final

RULES: Final = {
    # CSV and other text
    "field_count": "The record does not have as many fields as the header.",
    "quote": "Text follows a closing quote, or a quoted field is not closed on its line.",
    "repeated_header": "The record repeats the header.",
    "encoding": "The text has bytes that are not valid in its encoding.",
    "type": "The value cannot be read as the column's type.",
    "range": "The number is too large, too small or too precise for the column's type.",
    "partition": "The value cannot be the name of a partition's folder.",
    # events
    "json": "The line is not one JSON document.",
    "record": "The JSON document is not an object.",
    "envelope": "The record is not in the declared envelope.",
    "doubled_key": "An object has the same key twice.",
    "nesting": "Values are nested too deeply.",
    "number": "A number has an exponent that is out of range, or is an integer of more than 4,300 digits.",
    "day": "The day of the record is missing or outside the range of valid days.",
    # change data
    "null_key": "A column of the key is null.",
    "empty_key": "The key is an empty text.",
    "kind": "The kind of change is none of insert, update and delete.",
    "order": "The change has no time or sequence number, so that its place among other changes is unknown.",
    "no_values": "An insert or update has no column besides the key.",
    "unchanged": "An update that changes the key leaves a value out, and the row of its former key has it.",
    "inexact": "The column's type cannot represent the value exactly.",
}


def words_of(rule: str) -> str:
    """Return what a rule means; a job's own rules have no other words than their name."""
    return RULES.get(rule, f"The row breaks the rule {rule}.")
