"""Rejected rows that Spark writes to quarantine."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakewright.engine.spark.parquet import stage_parquet
from lakewright.log.records import DataFile, SourceObject
from lakewright.quarantine.files import COMPRESSION, staged_files
from lakewright.quarantine.place import QuarantinePlace
from lakewright.quarantine.words import RULES
from lakewright.storage.lake import Lake

_OBJECTS: Final = "object string, etag string, first_seen date"


def stage_rejected(
    rejected: DataFrame,
    lake: Lake,
    place: QuarantinePlace,
    objects: Iterable[SourceObject],
    words: Mapping[str, str] = MappingProxyType({}),
) -> list[DataFile]:
    """Stage rejected rows of some objects.

    Columns in: object, text (string), position (bigint), reasons (array of struct of rule and column), fields (map of
                text), and the partition columns of the place

    ``words`` are those of rules that quarantine does not know, by the name of the reason.
    """
    spark = rejected.sparkSession
    versions = [(each.path, each.etag, place.first_seen_of(each.path, each.etag)) for each in objects]
    known = F.broadcast(spark.createDataFrame(versions, _OBJECTS))
    rows = rejected.join(known, on="object", how="left").select(
        "object",
        "etag",
        F.col("position").cast("bigint").alias("position"),
        F.transform("reasons", lambda reason: _with_words(reason, words)).alias("reasons"),
        "text",
        "fields",
        "first_seen",
        F.lit(place.run).alias("run"),
        *place.partition_by,
    )
    uri = lake.spark_uri(place.staging.rstrip("/"))
    stage_parquet(rows, uri, partition_by=place.partition_by, compression=COMPRESSION)
    return staged_files(lake, place)


def _with_words(reason: Column, own: Mapping[str, str]) -> Column:
    rule, named = reason["rule"], F.concat_ws(": ", reason["column"], reason["rule"])
    words = F.coalesce(*(_texts(texts)[name] for texts, name in ((own, named), (RULES, rule)) if texts), _unknown(rule))
    return F.struct(rule.alias("rule"), reason["column"].alias("column"), words.alias("words"))


def _texts(texts: Mapping[str, str]) -> Column:
    return F.create_map(*(F.lit(text) for pair in texts.items() for text in pair))


def _unknown(rule: Column) -> Column:
    return F.concat(F.lit("The row breaks the rule "), rule, F.lit("."))
