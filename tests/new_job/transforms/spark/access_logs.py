"""Parses access logs in the common log format (https://httpd.apache.org/docs/2.4/logs.html)."""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.spark.typed_rows import FAULT, TEXT

_LINE: Final = r'^(\S+) \S+ \S+ \[([^\]]+)\] "([^"]*)" (\d{3}) (\d+|-)$'
_FIELDS: Final = ("host", "at", "request", "status", "bytes")


def with_request_fields(lines: DataFrame) -> DataFrame:
    """Split lines into the fields of a request.

    Columns in:  _lakewright_text (string)
    Columns out: every input column, host, at, request, status, bytes (string); _lakewright_fault is request if the line
                 is malformed
    Rows:        unchanged
    """
    fields = {name: F.regexp_extract(TEXT, _LINE, group) for group, name in enumerate(_FIELDS, start=1)}
    return lines.withColumns({**fields, FAULT: F.when(~F.col(TEXT).rlike(_LINE), F.lit("request"))})
