"""Lines of access logs, in the common log format (https://httpd.apache.org/docs/2.4/logs.html)."""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_LINE: Final = r'^(\S+) \S+ \S+ \[([^\]]+)\] "([^"]*)" (\d{3}) (\d+|-)$'
_FIELDS: Final = ("host", "at", "request", "status", "bytes")


def with_request_fields(lines: DataFrame) -> DataFrame:
    """Cut lines into the fields of a request.

    Columns in:  _lakewright_text (string)
    Columns out: every input column, host, at, request, status, bytes (string); _lakewright_fault is field_count where
                 the line has another form
    Rows:        unchanged
    """
    text = F.col("_lakewright_text")
    fields = {name: F.regexp_extract(text, _LINE, group) for group, name in enumerate(_FIELDS, start=1)}
    fault = F.when(~text.rlike(_LINE), F.lit("field_count"))
    return lines.withColumns({**fields, "_lakewright_fault": fault})
