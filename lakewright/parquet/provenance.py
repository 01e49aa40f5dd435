"""The columns of event tables that state the origin of a row.

The offset of a record that does not carry it is computed from the object's name and the record's position, and is a
lower bound.
"""

from typing import Final

TOPIC: Final = "_topic"
PARTITION: Final = "_partition"
OFFSET: Final = "_offset"
OBJECT: Final = "_object"
LINE: Final = "_line"
PROVENANCE_TYPES: Final = {TOPIC: "string", PARTITION: "bigint", OFFSET: "bigint", OBJECT: "string", LINE: "bigint"}
KEYS: Final = (TOPIC, PARTITION, OFFSET)
