"""The file names of a full load."""

from typing import Final

#: Full match of a full-load file's path; a dot matches any character. Valid for Python and Java.
LOAD_PATH: Final = r"(?:.*/)?LOAD[^/]*\.parquet"
