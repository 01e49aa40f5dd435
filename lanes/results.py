"""The result of a lane's tests, kept in ``lanes/results/``, and the table of them in ``docs/runtimes.md``."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as Xml

from lanes.lane import ROOT, lanes

RESULTS: Final = ROOT / "lanes/results"
DOCUMENT: Final = ROOT / "docs/runtimes.md"
BEGIN: Final = "<!-- lanes -->"
END: Final = "<!-- end of lanes -->"
#: What tests/lanes/test_lane.py records.
VERSIONS: Final = ("python", "pyspark", "hudi", "pyarrow", "pandas", "numpy")
HEAD: Final = (
    "| lane | Python | Spark | Hudi | pyarrow / pandas / numpy | passed | failed | skipped | run on |",
    "|---|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Result:
    """The result of all tests of one lane.

    Attributes:
        lane: The lane.
        date: Day of the run.
        seconds: How long the tests took.
        versions: What the tests imported, by name.
        passed: Number of tests that passed.
        failed: Number of tests that failed, or whose fixtures did.
        skipped: Number of skipped tests by reason.
    """

    lane: str
    date: str
    seconds: int
    versions: dict[str, str]
    passed: int
    failed: int
    skipped: dict[str, int]

    def write(self) -> None:
        """Write the result, replacing the lane's previous one."""
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(asdict(self), indent=2, sort_keys=True)
        (RESULTS / f"{self.lane}.json").write_text(text + "\n", encoding="utf-8")

    def row(self) -> str:
        """Return the result's row of the table."""
        versions = self.versions
        packages = " / ".join(versions[name] for name in ("pyarrow", "pandas", "numpy"))
        skipped = "; ".join(f"{count}: {reason}" for reason, count in sorted(self.skipped.items())) or "none"
        cells = (self.lane, versions["python"], versions["pyspark"], versions["hudi"], packages)
        return f"| {' | '.join(cells)} | {self.passed} | {self.failed} | {skipped} | {self.date} |"


def read_junit(report: Path, lane: str) -> Result:
    """Read the result from the report that pytest wrote."""
    (suite,) = Xml.parse(report).getroot().iter("testsuite")  # noqa: S314 - pytest wrote it
    properties = {one.get("name", ""): one.get("value", "") for one in suite.findall("properties/property")}
    versions = {name: properties.get(name, "unknown") for name in VERSIONS}
    skipped = Counter(one.get("message", "") for one in suite.findall("testcase/skipped"))
    failed = sum(1 for case in suite.findall("testcase") if {"failure", "error"} & {part.tag for part in case})
    passed = len(suite.findall("testcase")) - failed - skipped.total()
    day = suite.get("timestamp", "")[:10]
    return Result(lane, day, round(float(suite.get("time", "0"))), versions, passed, failed, dict(skipped))


def table() -> str:
    """Return the table of the kept results, in the order of the lanes."""
    files = [RESULTS / f"{name}.json" for name in lanes()]
    results = [Result(**json.loads(file.read_text(encoding="utf-8"))) for file in files if file.exists()]
    return "\n".join((BEGIN, *HEAD, *(result.row() for result in results), END))


def write_table() -> None:
    """Write the table into ``docs/runtimes.md``."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    DOCUMENT.write_text(before + table() + after, encoding="utf-8")
