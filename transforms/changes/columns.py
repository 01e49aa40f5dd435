"""The columns that describe a change, besides those of the source table."""

from typing import Final

# Added by a reader to the columns of the source table.
KIND: Final = "_lakewright_kind"
SEQUENCE: Final = "_lakewright_sequence"
TIME: Final = "_lakewright_time"
#: Digits of the time below a microsecond.
TIME_DIGITS: Final = "_lakewright_time_digits"
#: The time as text, also if it cannot be read.
TIME_TEXT: Final = "_lakewright_time_text"
IS_LOAD: Final = "_lakewright_is_load"
OBJECT: Final = "_lakewright_object"
FILE: Final = "_lakewright_file"
POSITION: Final = "_lakewright_position"
#: Names of the columns that a change's file lacks.
ABSENT: Final = "_lakewright_absent"
#: Prefix of columns with the key and partition values before an update.
BEFORE: Final = "_lakewright_before_"

# Added by transforms.
KEY: Final = "_record_key"
ORDER: Final = "_change_order"
IS_DELETED: Final = "_hoodie_is_deleted"
#: Whether the first change of a key is an update, so that its row must be in the table already.
UPDATES: Final = "_lakewright_updates"
#: The order of a key's first change.
FIRST_ORDER: Final = "_lakewright_first_order"
#: Whether a deletion is that of a key that is now in another partition.
MOVES: Final = "_lakewright_moves"
#: The key before an update that changed it, as text; null if unchanged.
FORMER_KEY: Final = "_lakewright_former_key"
#: Whether a deletion follows from an update that changed the key, and has no row in a file.
IS_IMPLIED: Final = "_lakewright_is_implied"
REJECTED: Final = "_lakewright_rejected"
REASONS: Final = "_lakewright_reasons"
