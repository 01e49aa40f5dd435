"""A lake for tests of replay, read with pyarrow: Spark is not needed."""

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from lakewright.log.log import Log
from lakewright.quarantine.cells import cell_of, value_of
from lakewright.storage.uris import open_lake
from tests.conftest import Answer, command

QuarantineRow = dict[str, Any]
#: Returns the new values of a quarantined row, or None to leave it out.
Edit = Callable[[QuarantineRow], Mapping[str, str | None] | None]


@dataclass
class ReplayLake:
    """A lake with one feed."""

    root: Path
    feed: dict[str, Any]
    name: str = "people"
    target: str = "people"
    receipts: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lake.mkdir(parents=True, exist_ok=True)
        self.configure()

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    def configure(self, **changes: Any) -> None:
        """Change keys of the feed; ``__`` separates nested keys."""
        for key, value in changes.items():
            *parents, last = key.split("__")
            place = self.feed
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
        path = self.root / f"conf/feeds/{self.name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(self.feed, sort_keys=False))

    def put(self, path: str, data: str | bytes) -> None:
        file = self.lake / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)

    def command(self, verb: str, *arguments: str) -> Answer:
        return command(verb, self.name, "--lake", str(self.lake), "--config", str(self.root / "conf"), *arguments)

    def run(self, verb: str = "run", *arguments: str) -> dict[str, Any]:
        answer = self.command(verb, "--json", *arguments)
        assert answer.stdout, answer.stderr
        receipt = next(each for each in answer.data if each["target"] == self.target)
        if verb in ("run", "rebuild", "replay"):
            self.receipts.append(receipt)
            assert receipt["checks"]["every row accounted for"], receipt
        return receipt

    def state(self) -> Any:
        return Log(open_lake(str(self.lake)), f"state/{self.name}/{self.target}/").read()[0]

    def quarantine(self) -> list[QuarantineRow]:
        rows = [row for path in self.state().quarantine for row in pq.ParquetFile(self.lake / path).read().to_pylist()]
        for row in rows:
            row["fields"] = None if row["fields"] is None else dict(row["fields"])
        return sorted(rows, key=lambda row: (row["object"], row["etag"], row["position"]))

    def rows(self, table: str = "refined/people") -> list[tuple[Any, ...]]:
        """Return the rows of the table, each with its partition."""
        found = []
        for path in self.state().files:
            assert path.startswith(table), path
            partition = tuple(re.findall(r"[a-z_]+=([^/]*)/", path))
            columns: pa.Table = pq.ParquetFile(self.lake / path).read()
            found += [(*partition, *(row[name] for name in sorted(row))) for row in columns.to_pylist()]
        return sorted(found, key=repr)

    def edit(self, change: Edit, name: str = "edited.csv") -> list[str]:
        """Write the quarantine to a CSV, change its rows, and return the arguments of a replay with it."""
        path = self.root / name
        path.unlink(missing_ok=True)
        assert self.command("quarantine", "--csv", str(path), "--target", self.target).exit_code == 0
        rows = {(row["object"], row["etag"], row["position"]): row for row in self.quarantine()}
        header, *lines = csv.reader(path.read_text(encoding="utf-8-sig").splitlines(keepends=True))
        names = [value_of(cell) for cell in header]
        kept = []
        for line in lines:
            values = change(rows[str(value_of(line[0])), str(value_of(line[1])), int(line[2])])
            if values is not None:
                kept.append([*line])
                for field, value in values.items():
                    kept[-1][names.index(field)] = cell_of(value)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *kept])
        return ["--csv", str(path)]
