"""The source object of each row that Spark reads."""

import string
import unicodedata
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakewright.log.records import SourceObject
from lakewright.storage.lake import Lake
from transforms.spark.typed_rows import OBJECT

_QUOTED: Final = ("Cc", "Zl", "Zp", "Zs")
_LEGAL: Final = string.ascii_letters + string.digits + "_-!.~'()*,;:$&+=/@"


def with_object(rows: DataFrame, lake: Lake, objects: Sequence[SourceObject], *, uri: str) -> DataFrame:
    """Add each row's object and its values.

    Columns in:  ``uri`` (string; ``_metadata.file_path`` of the row)
    Columns out: the others, _lakewright_object (string), year, month, day if the objects have these values
    Rows:        unchanged; a row of an unknown object fails the job
    """
    keys = sorted({key for source in objects for key in source.values})
    known = [
        (hadoop_uri(lake.spark_uri(source.path)), source.path, *(source.values[key] for key in keys))
        for source in objects
    ]
    columns = [uri, OBJECT, *keys]
    lookup = rows.sparkSession.createDataFrame(known, ", ".join(f"{column} string" for column in columns))
    # Each URI occurs once. Rows of an unknown one would be unplanned data: fail instead.
    known_rows = rows.join(F.broadcast(lookup), on=uri, how="left")
    unknown = F.raise_error(F.concat(F.lit("rows of an object that is not in the batch: "), F.col(uri)))
    return known_rows.withColumn(OBJECT, F.coalesce(F.col(OBJECT), unknown)).drop(uri)


def hadoop_uri(uri: str) -> str:
    """Encode a URI like Java's ``Path.toUri``, and therefore like ``_metadata.file_path``."""
    return "".join(
        quote(char) if (char.isascii() and char not in _LEGAL) or unicodedata.category(char) in _QUOTED else char
        for char in uri
    )
