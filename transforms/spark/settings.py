"""Checks of session settings on which transforms depend and which no expression can override."""

from typing import Final

from pyspark.sql import DataFrame

from transforms.errors import SessionSettingError

_POLICY: Final = "spark.sql.legacy.timeParserPolicy"
_ZONE: Final = "spark.sql.session.timeZone"
_UTC: Final = ("UTC", "Etc/UTC", "GMT", "Z")


def require_corrected_patterns(frame: DataFrame) -> None:
    """Require the datetime patterns of Spark 3.

    Raises:
        SessionSettingError: If the policy is LEGACY (Spark 2's parser) or EXCEPTION (values that it parses fail).
    """
    if (policy := frame.sparkSession.conf.get(_POLICY)) != "CORRECTED":
        raise SessionSettingError(_POLICY, policy or "", "CORRECTED")


def require_utc(frame: DataFrame) -> None:
    """Require UTC as the session's time zone, in which timestamps are formatted.

    Raises:
        SessionSettingError: If it is another.
    """
    if (zone := frame.sparkSession.conf.get(_ZONE)) not in _UTC:
        raise SessionSettingError(_ZONE, zone or "", "UTC")
