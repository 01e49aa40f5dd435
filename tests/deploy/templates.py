"""The templates as data."""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from tests.conftest import ROOT

PARENT: Final = "template.yaml"
CSV: Final = "pipelines/csv_to_parquet.yaml"
SCRUB: Final = "pipelines/scrub_timer.yaml"
FILES: Final = (PARENT, CSV, SCRUB, "lake_formation.yaml")


class _Loader(yaml.SafeLoader):
    """YAML loader that replaces CloudFormation's short functions by their arguments."""


_Loader.add_multi_constructor("!", lambda loader, _, node: getattr(loader, f"construct_{node.id}")(node))


def read_template(name: str) -> dict[str, Any]:
    """Read a template of ``deploy/``."""
    template: dict[str, Any] = yaml.load((ROOT / "deploy" / name).read_text(), Loader=_Loader)
    return template


def resources_of(name: str, kind: str = "") -> dict[str, Any]:
    """Return the resources of a template, or those of one type, by their logical names."""
    resources: dict[str, Any] = read_template(name)["Resources"]
    return {key: value for key, value in resources.items() if value["Type"].startswith(kind)}


def statements_in(part: Any) -> Iterator[dict[str, Any]]:
    """Yield the policy statements at any depth."""
    if isinstance(part, dict):
        if "Effect" in part and "Resource" in part:
            yield part
        for value in part.values():
            yield from statements_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from statements_in(value)


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, anything else as the only element of one."""
    return value if isinstance(value, list) else [value]
