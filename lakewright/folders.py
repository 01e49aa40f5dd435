"""The folders that feeds name: where objects come from, and where tables go."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import AfterValidator, BaseModel

#: What a lake holds beside data; no feed may write its tables there.
OWN_ZONES: Final = ("state", "quarantine")
_DRIVE: Final = re.compile(r"[A-Za-z]:|\\\\|[A-Za-z][A-Za-z0-9+.-]+:/")
_BUCKET: Final = re.compile(r"s3a?://[^/]+(?:/.*)?", re.DOTALL)

Use = Literal["reads", "rewrites", "fills"]


@dataclass(frozen=True)
class FeedFolder:
    """A folder, or an object in one, the keys that name it from the feed's top down, and what the feed does there."""

    keys: tuple[str, ...]
    use: Use
    path: str


@dataclass(frozen=True)
class FolderValidator(AfterValidator):
    """A validator of a folder, which also says what a feed does there."""

    use: Use


def folders_in(model: BaseModel, above: tuple[str, ...] = ()) -> Iterator[FeedFolder]:
    """Find the folders that a model and the models in it name: the fields with a validator of this module."""
    for name, info in type(model).model_fields.items():
        value, keys = getattr(model, name), (*above, info.alias or name)
        if isinstance(value, BaseModel):
            yield from folders_in(value, keys)
        for each in info.metadata:
            if isinstance(each, FolderValidator):
                yield FeedFolder(keys, each.use, value)


def source_folder(example: str, *, is_rewritten: bool = False) -> FolderValidator:
    """Validate a folder in the lake, or a URI; ends it with a slash.

    Args:
        example: A folder to name in the error.
        is_rewritten: Whether objects are replaced there, which needs the lake or a bucket.
    """
    uris = "s3://bucket/prefix/" if is_rewritten else "s3://bucket/prefix/ or file:///folder/"

    def check(path: str) -> str:
        problem = f"a source is a folder in the lake, such as {example}, or a URI ({uris}), not {path!r}"
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
    """Validate a folder in the lake that is no zone of the project's own; ends it with a slash.

    Args:
        example: A folder to name in the error.
        may_be_hidden: Whether its name may begin with ``_`` or a dot, which Spark and Athena take for hidden.
    """

    def check(path: str) -> str:
        what = f"a target is a folder of its own in the lake, such as {example}, not {path!r}"
        if path.startswith("/") and path.strip("/"):
            raise ValueError(f"{what}: write {path.strip('/')}/, relative to the lake")
        folders = path.rstrip("/").split("/")
        is_hidden = folders[-1].startswith(("_", ".")) and not may_be_hidden
        if _leads_elsewhere(folders) or ":" in path or _DRIVE.match(path) or folders[0] in OWN_ZONES or is_hidden:
            raise ValueError(what)
        return "/".join(folders) + "/"

    return FolderValidator(check, "fills")


def require_apart(source: str, target: str) -> None:
    """Refuse two folders of which one lies in the other.

    Raises:
        ValueError: If one does.
    """
    if source.startswith(target) or target.startswith(source):
        raise ValueError(f"target.path {target} and source.path {source} lie inside one another")


def _leads_elsewhere(folders: list[str]) -> bool:
    return not {"", ".", ".."}.isdisjoint(folders)
