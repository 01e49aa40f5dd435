"""Files that are refused for their name, or for columns that Spark cannot read."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from lakewright.parquet.values import Chunk

#: A full-load or change file in another format or spelling.
_OTHER_FORMAT: Final = re.compile(
    r"(?:.*/)?(?:LOAD[0-9A-F]+|\d{8}-?\d{6}\d*)\.(?:csv|json|parquet)(?:\.gz)?", re.DOTALL | re.IGNORECASE
)
_NOT_PARQUET: Final = (
    "a file of AWS DMS that is not named .parquet: set the endpoint's DataFormat to parquet, or move the file "
    "elsewhere if its changes are not needed"
)
#: Numbers in https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
_UNREADABLE_CODECS: Final = {3: "LZO", 4: "BROTLI"}
_UNREADABLE_ENCODINGS: Final = {9: "BYTE_STREAM_SPLIT"}


def problem_with_format(path: str) -> str:
    """Return why a file of DMS cannot be read, given its name; empty for Parquet files and files of others."""
    return _NOT_PARQUET if not path.endswith(".parquet") and _OTHER_FORMAT.fullmatch(path) else ""


def find_unsuitable_column(metadata: Any, groups: Sequence[Sequence[Chunk]]) -> str:
    """Describe the first column that makes a file unsuitable; empty if there is none.

    Of two columns with one name Spark reads one, and it fails on some codecs and encodings.

    Args:
        metadata: The file's footer, a ``pyarrow.parquet.FileMetaData``.
        groups: Its column chunks.
    """
    names = Counter(column.name for column in metadata.schema.to_arrow_schema())
    if repeated := [name for name, count in names.items() if count > 1]:
        return f"it has {names[repeated[0]]} columns named {repeated[0]!r}: rename or drop one at the source"
    for chunk in (chunk for group in groups for chunk in group):
        formats = [_UNREADABLE_CODECS.get(chunk.codec), *map(_UNREADABLE_ENCODINGS.get, chunk.encodings)]
        if unreadable := next(filter(None, formats), None):
            return (
                f"column {chunk.path_in_schema!r} is stored as {unreadable}, which Spark cannot read: deliver another "
                "codec or encoding"
            )
    return ""
