"""Which files of a table are those of its full load."""

from typing import Final

#: The path of a full load's file, from its beginning to its end; a dot stands for any character. It means the same to
#: Python and to Java.
LOAD_PATH: Final = r"(?:.*/)?LOAD[^/]*\.parquet"
