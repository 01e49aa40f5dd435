"""Unwrap the envelopes of messages: Kafka Connect's (schema, payload) and Debezium's. No pyspark.

A Debezium envelope becomes the row after the change, or for a delete the row before it, as far as the source knows it;
Cassandra's deletes have their key in ``after``. MongoDB's rows are strings with JSON in them. The other members of the
envelope (``op``, ``source``, ``ts_ms``, ``transaction``, …) become members of the row, with two underscores before
their names, as Debezium's own ``ExtractNewRecordState`` names them.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from transforms.events.lines import check_json
from transforms.events.raw.faults import BrokenRecordError, SkippedRecordError, kind_of
from transforms.events.raw.members import BLANKS, read_members, write_members

Envelope = Literal["connect", "debezium"]

ENVELOPE: Final = "envelope"
#: The prefix of a Debezium envelope's members among the row's attributes.
PREFIX: Final = "__"
TOMBSTONE: Final = "tombstone"

_NULL: Final = b"null"
_CONNECT: Final = {"schema", "payload"}
#: The member with the row, by operation: create, read (of a snapshot), update, delete.
_ROW_OF: Final = {b'"c"': "after", b'"r"': "after", b'"u"': "after", b'"d"': "before"}
_DELETE: Final = b'"d"'
#: Operations without a row.
_NO_ROW: Final = {b'"t"': "truncate", b'"m"': "message"}
_ROWS: Final = ("before", "after")


def unwrap(text: bytes, envelopes: tuple[Envelope, ...]) -> bytes:
    """Return the text of a record without its envelopes.

    Raises:
        SkippedRecordError: If it is a tombstone, or an operation without a row.
        BrokenRecordError: If it is not in the declared envelopes.
        RepeatedKeyError: If an envelope has a key twice.
        msgspec.DecodeError: If it is not JSON; see ``check_json``. Likewise UnicodeDecodeError, RecursionError.
    """
    for envelope in envelopes:
        if text.strip(BLANKS) == _NULL:
            raise SkippedRecordError(TOMBSTONE)
        text = _OPENED[envelope](text)
    if text.strip(BLANKS) == _NULL:
        raise SkippedRecordError(TOMBSTONE)
    return text


def _payload(text: bytes) -> bytes:
    members = _members(text)
    if members.keys() != _CONNECT:
        missing = sorted(_CONNECT - members.keys())
        what = f"without {' and '.join(missing)}" if missing else f"with {len(members)} keys"
        raise BrokenRecordError(ENVELOPE, f"an object {what}")
    _check_schema(members["schema"])
    payload = members["payload"]
    if payload != _NULL and not payload.startswith(b"{"):
        raise BrokenRecordError(ENVELOPE, f"payload is {kind_of(payload)}")
    return payload


def _changed_row(text: bytes) -> bytes:
    members = _members(text)
    operation = members.get("op")
    if operation is None:
        raise BrokenRecordError(ENVELOPE, "an object without op")
    if kind := _NO_ROW.get(operation):
        check_json(text)
        raise SkippedRecordError(kind)
    name = _ROW_OF.get(operation)
    if name is None:
        what = kind_of(operation)
        raise BrokenRecordError(ENVELOPE, "op is none of c, r, u, d" if what == "a string" else f"op is {what}")
    for each in _ROWS:
        check_json(members.get(each, _NULL))  # an error also counts in the one that is not used
    row = members.get(name)
    if row in (None, _NULL) and operation == _DELETE:
        name, row = "after", members.get("after", _NULL)  # Cassandra's deletes have the key there
        row = b"{}" if row == _NULL else row
    elif row is not None and row.startswith(b'"'):
        row = _row_in_string(row)
    if row is None or not row.startswith(b"{"):
        raise BrokenRecordError(ENVELOPE, f"{name} is {kind_of(row)}")
    metadata = write_members((PREFIX + key, value) for key, value in members.items() if key not in _ROWS)
    content = row[1:].lstrip(BLANKS)
    return metadata[:-1] + (b"" if content == b"}" else b",") + content


def _row_in_string(text: bytes) -> bytes:
    row = msgspec.json.decode(text, type=str).strip().encode()
    if not row.startswith(b"{"):
        return text
    check_json(row)
    return row


def _members(text: bytes) -> Mapping[str, bytes]:
    members = read_members(text)
    if members is None:
        raise BrokenRecordError(ENVELOPE, kind_of(text))
    return members


def _check_schema(text: bytes) -> None:
    """Parse a schema, which no row contains, so that a record with an error there is rejected, too."""
    # All records of a topic have the same few schemas.
    if text in _VALID:
        return
    check_json(text)
    if len(_VALID) < _MOST_SCHEMAS and len(text) < _SCHEMA_BYTES:
        _VALID.add(text)


_VALID: Final[set[bytes]] = set()
_MOST_SCHEMAS: Final = 64
_SCHEMA_BYTES: Final = 256 << 10
_OPENED: Final[dict[Envelope, Callable[[bytes], bytes]]] = {"connect": _payload, "debezium": _changed_row}
