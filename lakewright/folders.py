"""Validation of the folders in feeds: sources of objects, and targets of tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import AfterValidator, BaseModel

#: Folders of a lake that are not for data; no feed may write tables there.
OWN_ZONES: Final = ("state", "quarantine", "corrections")
_DRIVE: Final = re.compile(r"[A-Za-z]:|\\\\|[A-Za-z][A-Za-z0-9+.-]+:/")
_BUCKET: Final = re.compile(r"s3a?://[^/]+(?:/.*)?", re.DOTALL)

Use = Literal["reads", "rewrites", "fills"]


@dataclass(frozen=True)
class FeedFolder:
    """A folder or object, the path of keys in the feed that name it, and how the feed uses it."""

    keys: tuple[str, ...]
    use: Use
    path: str


@dataclass(frozen=True)
class FolderValidator(AfterValidator):
    """A validator of a folder that also records how the feed uses it."""

    use: Use


def folders_in(model: BaseModel, above: tuple[str, ...] = ()) -> Iterator[FeedFolder]:
    """Return the folders in a model and its nested models: the fields with a validator of this module."""
    for name, info in type(model).model_fields.items():
        value, keys = getattr(model, name), (*above, info.alias or name)
        if isinstance(value, BaseModel):
            yield from folders_in(value, keys)
        for each in info.metadata:
            if isinstance(each, FolderValidator):
                yield FeedFolder(keys, each.use, value)


def source_folder(example: str, *, is_rewritten: bool = False) -> FolderValidator:
    """Validate a folder in the lake, or a URI, and append a slash if it is missing.

    Args:
        example: An example folder for the error message.
        is_rewritten: Whether objects in it are rewritten, which needs the lake or a bucket.
    """
    uris = "s3://bucket/prefix/" if is_rewritten else "s3://bucket/prefix/ or file:///folder/"

    def check(path: str) -> str:
        problem = f"a source must be a folder in the lake, such as {example}, or a URI ({uris}), not {path!r}"
        if "://" in path:
            is_known = _BUCKET.fullmatch(path) or (not is_rewritten and path.startswith("file:///"))
            if not is_known or not {".", ".."}.isdisjoint(path.split("/")):
                raise ValueError(problem)
            return path if path.endswith("/") else f"{path}/"
        inside = path.strip("/").split("/")
        if _leads_elsewhere(inside) or _DRIVE.match(path):
            raise ValueError(problem)
        folder = "/".join(inside) + "/"
        if path.startswith("/"):
            outside = f", file:///{folder} for one outside" if not is_rewritten else ""
            raise ValueError(f"{problem}: write {folder} for the folder in the lake{outside}")
        return folder

    return FolderValidator(check, "rewrites" if is_rewritten else "reads")


def target_folder(example: str, *, may_be_hidden: bool = False) -> FolderValidator:
    """Validate a folder in the lake outside ``OWN_ZONES``, and append a slash if it is missing.

    Args:
        example: An example folder for the error message.
        may_be_hidden: Whether its name may begin with ``_`` or a dot; Spark and Athena ignore such folders.
    """

    def check(path: str) -> str:
        problem = f"a target must be a separate folder in the lake, such as {example}, not {path!r}"
        if path.startswith("/") and path.strip("/"):
            raise ValueError(f"{problem}: write {path.strip('/')}/, relative to the lake")
        folders = path.rstrip("/").split("/")
        is_hidden = folders[-1].startswith(("_", ".")) and not may_be_hidden
        if _leads_elsewhere(folders) or ":" in path or _DRIVE.match(path) or folders[0] in OWN_ZONES or is_hidden:
            raise ValueError(problem)
        return "/".join(folders) + "/"

    return FolderValidator(check, "fills")


def require_apart(source: str, target: str) -> None:
    """Refuse overlapping folders.

    Raises:
        ValueError: If one folder contains the other.
    """
    if source.startswith(target) or target.startswith(source):
        raise ValueError(f"target.path {target} and source.path {source} overlap")


def _leads_elsewhere(folders: list[str]) -> bool:
    return not {"", ".", ".."}.isdisjoint(folders)
