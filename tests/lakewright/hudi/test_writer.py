"""A session without Hudi's jar is refused, with what brings the jar where the job runs."""

from unittest import mock

import pytest

from lakewright.engine.spark.session import SERIALIZER
from lakewright.errors import ConfigError
from lakewright.hudi import writer
from lakewright.hudi.writer import check_session


@pytest.mark.parametrize(
    ("platform", "remedy"),
    [
        pytest.param(
            {"is_glue_run": True, "is_local": False}, "set the job parameter --datalake-formats hudi", id="glue"
        ),
        pytest.param({"is_glue_run": False, "is_local": True}, "run `make setup`", id="checkout"),
        pytest.param(
            {"is_glue_run": False, "is_local": False},
            "pass it to spark-submit with --jars; on EMR it is /usr/lib/hudi/hudi-spark-bundle.jar",
            id="spark-submit",
        ),
    ],
)
def test_a_missing_jar_is_named_with_its_source(
    monkeypatch: pytest.MonkeyPatch, platform: dict[str, bool], remedy: str
) -> None:
    for name, value in platform.items():
        monkeypatch.setattr(writer, name, lambda value=value: value)
    session = mock.MagicMock()
    session.sparkContext.getConf().get.return_value = SERIALIZER
    session._jvm.java.lang.Class.forName.side_effect = RuntimeError("ClassNotFoundException")
    with pytest.raises(ConfigError) as refused:
        check_session(session)
    assert str(refused.value) == f"Hudi's jar is missing: {remedy}"
