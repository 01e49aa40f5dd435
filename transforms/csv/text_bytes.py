"""Operations on all texts of a column at once."""

import pyarrow as pa
import pyarrow.compute as pc


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


def keep_where(is_kept: pa.Array, texts: pa.Array) -> pa.Array:
    """Return the texts where a condition holds, and null elsewhere."""
    # With a null scalar, if_else corrupts slices: https://github.com/apache/arrow/issues/49410.
    return pc.if_else(is_kept, texts, pa.nulls(len(texts), texts.type))


def keep_matching(texts: pa.Array, expression: str) -> pa.Array:
    """Return the texts that match a regular expression; null instead of others."""
    return keep_where(pc.match_substring_regex(texts, expression), texts)
