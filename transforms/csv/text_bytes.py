"""The bytes of a column of texts, all at once."""

import pyarrow as pa

_OFFSET_BYTES = 4


def joined_bytes(texts: pa.Array) -> bytes:
    """Return the bytes of all texts, one after the other."""
    _validity, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return b""
    ends = memoryview(offsets).cast("i")
    begin, end = ends[texts.offset], ends[texts.offset + len(texts)]
    return bytes(memoryview(data)[begin:end])


def has_other_bytes(texts: pa.Array, expected: bytes) -> bool:
    """Return whether a text has a byte that is not expected."""
    return bool(joined_bytes(texts).translate(None, expected))


def with_bytes_replaced(texts: pa.Array, table: bytes) -> pa.Array:
    """Return the texts with each byte replaced by that of a table, which must keep them valid UTF-8."""
    validity, offsets, data = texts.buffers()
    if data is None:
        return texts
    replaced = pa.py_buffer(data.to_pybytes().translate(table))
    return pa.Array.from_buffers(
        texts.type, len(texts), [validity, offsets, replaced], offset=texts.offset, null_count=texts.null_count
    )
