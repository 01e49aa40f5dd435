"""The folders that feeds name: where objects come from, and where tables go."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import AfterValidator, BaseModel

#: What a lake holds beside data; no feed may write its tables there.
OWN_ZONES: Final = ("state", "quarantine")

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
        is_rewritten: Whether objects are replaced there.
    """

    def check(path: str) -> str:
        if "://" in path:
            return path if path.endswith("/") else f"{path}/"
        folders = path.strip("/").split("/")
        if _leads_elsewhere(folders):
            raise ValueError(f"a source is a folder in the lake, such as {example}, or a URI, not {path!r}")
        return "/".join(folders) + "/"

    return FolderValidator(check, "rewrites" if is_rewritten else "reads")


def target_folder(example: str, *, may_be_hidden: bool = False) -> FolderValidator:
    """Validate a folder in the lake that is no zone of the project's own; ends it with a slash.

    Args:
        example: A folder to name in the error.
        may_be_hidden: Whether its name may begin with ``_`` or a dot, which Spark and Athena take for hidden.
    """

    def check(path: str) -> str:
        folders = path.strip("/").split("/")
        is_hidden = folders[-1].startswith(("_", ".")) and not may_be_hidden
        if _leads_elsewhere(folders) or ":" in path or folders[0] in OWN_ZONES or is_hidden:
            raise ValueError(f"a target is a folder of its own in the lake, such as {example}, not {path!r}")
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
