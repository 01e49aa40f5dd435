"""What comes in: the objects of the next batch, and those that have disappeared."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from lakewright.corrections.manifests import CORRECTS
from lakewright.log.records import SourceObject
from lakewright.log.state import TableState
from lakewright.runs.job.batch import Survey
from transforms.object_names import partition_path

_LARGEST: Final = 3


def incoming(state: TableState, survey: Survey) -> dict[str, Any]:
    """Group the objects of a batch by what is new about them, and count those that are gone."""
    groups: dict[str, list[SourceObject]] = {"new": [], "changed": [], "again": []}
    objects = survey.choice.objects
    for source in objects:
        groups[_change(state, source)].append(source)
    sizes = Counter[str]()
    for source in objects:
        if source.values:
            sizes[partition_path(source.values)] += source.size
    counts = Counter(partition_path(source.values) for source in objects if source.values)
    gone = _gone(state, survey)
    return {
        **{change: _total(sources) for change, sources in groups.items()},
        "listed": None if survey.listed is None else len(survey.listed),
        "gone": {"objects": len(gone), "first": min(gone, default="")},
        "rows": survey.rows,
        "largest": [
            {"path": source.path, "size": source.size}
            for source in sorted(objects, key=lambda source: (-source.size, source.path))[:_LARGEST]
        ],
        "partitions": [
            {"partition": partition, "objects": counts[partition], "bytes": size}
            for partition, size in sorted(sizes.items())
        ],
    }


def _change(state: TableState, source: SourceObject) -> str:
    """Return whether an object is new, has changed since it was committed, or is read again as it was."""
    if source.path not in state.objects:
        return "new"
    return "again" if state.has(source.path, source.etag) else "changed"


def _gone(state: TableState, survey: Survey) -> list[str]:
    listed = survey.listed
    if listed is None:
        return []
    return [path for path, source in state.objects.items() if path not in listed and CORRECTS not in source.notes]


def _total(sources: Iterable[SourceObject]) -> dict[str, int]:
    sizes = [source.size for source in sources]
    return {"objects": len(sizes), "bytes": sum(sizes)}
