"""Settings of a session that no expression can make up for: transforms that depend on them say so at once."""

from typing import Final

from pyspark.sql import DataFrame

from transforms.errors import SessionSettingError

_POLICY: Final = "spark.sql.legacy.timeParserPolicy"
_ZONE: Final = "spark.sql.session.timeZone"
_UTC: Final = ("UTC", "Etc/UTC", "GMT", "Z")


def require_corrected_patterns(frame: DataFrame) -> None:
    """Make sure that patterns of dates are read as Spark 3 reads them.

    Raises:
        SessionSettingError: If Spark 2's reader is used, or a value that it would read fails the query.
    """
    if (policy := frame.sparkSession.conf.get(_POLICY)) != "CORRECTED":
        raise SessionSettingError(_POLICY, policy or "", "CORRECTED")


def require_utc(frame: DataFrame) -> None:
    """Make sure that timestamps are written as text in UTC.

    Raises:
        SessionSettingError: If they are not.
    """
    if (zone := frame.sparkSession.conf.get(_ZONE)) not in _UTC:
        raise SessionSettingError(_ZONE, zone or "", "UTC")
