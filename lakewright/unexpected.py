"""Descriptions of unexpected exceptions that never contain values of the data.

Errors of this project never quote values, and are shown completely. The text of any other exception may quote some,
with or without quotes (``invalid literal for int(): 'x'``, ``Failed to merge old record for key x``). So only its class
is shown, with the last place in this project's code and Spark's error condition. Its text is shown only for classes
whose texts come from the operating system, a service, or the code. ``--show-values`` shows everything.
"""

import json
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

from transforms.errors import LakewrightError

_ROOT: Final = Path(__file__).resolve().parents[1]
#: The packages of this project; paths of installed packages also begin with these names.
_PACKAGES: Final = ("jobs", "lakewright", "transforms")
#: Exceptions whose texts refer to code, files or positions in a text; subclasses may be defined anywhere.
_OF_CODE: Final = (AttributeError, ImportError, ModuleNotFoundError, NameError, NotImplementedError, TypeError)
_OF_SYSTEM: Final = (FileNotFoundError, MemoryError, PermissionError, RecursionError, TimeoutError)
_OF_PLACES: Final = (json.JSONDecodeError,)
_OF_SERVICES: Final = "botocore.exceptions"
_QUOTES_ARGUMENTS: Final = "ParamValidationError"
#: Spark raises it before it reads any row.
_ANALYSIS: Final = "AnalysisException"

_JAVA_CLASS: Final = re.compile(r"(?:[a-zA-Z_$][\w$]*\.)+[\w$]*(?:Exception|Error|Throwable)\b")
_OF_JAVA_SYSTEM: Final = re.compile(
    r"java\.io\.(?:IOException|FileNotFoundException|EOFException)|java\.(?:net|nio\.file)\.[\w$.]+|"
    r"java\.util\.concurrent\.TimeoutException|java\.lang\.(?:OutOfMemory|StackOverflow|NoClassDefFound|NoSuchMethod|"
    r"NoSuchField|UnsatisfiedLink)Error|java\.lang\.(?:ClassNotFound|Interrupted)Exception"
)
#: Spark's error condition, only in its usual position: other brackets may contain data.
_CONDITION: Final = re.compile(
    r"(?:^|org\.apache\.spark\.[\w.$]*Exception: )\[([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?:\.[A-Z0-9_]+)*)\]"
)
_JAVA_FRAME: Final = re.compile(r"\tat [\w.$/<>@-]+\([\w.$: -]*\)")
_OF_SPARK: Final = ("pyspark.", "py4j.")
_CAUSED_BY: Final = "Caused by: "
#: Before the exception that py4j passes on.
_RAISED: Final = ": "
_WITHHELD: Final = "its text may quote data; see show_values"


class WorkerError(Exception):
    """Raised when a worker failed; its text is ``cause_of`` the original error, ``trace`` its ``trace_of``."""

    def __init__(self, cause: str, trace: str = "") -> None:
        self.trace = trace
        super().__init__(cause)


def cause_of(error: BaseException, *, shows_values: bool = False) -> str:
    """Describe an error in one line; for errors from Spark, the root cause."""
    if isinstance(error, WorkerError):
        return str(error)
    name = type(error).__name__
    if shows_values or _has_safe_text(error):
        text = _text_of(error)
        return f"{name}: {[*(text.splitlines() or [''])[:1], *_java_roots(text)][-1]}"
    text, place = _text_of(error), _place_of(error.__traceback__)
    message = ": ".join(part for part in (name, *_java_cause(error)) if part) + (f" at {place}" if place else "")
    return f"{message} ({_WITHHELD})" if text else message


def trace_of(error: BaseException, *, shows_values: bool = False) -> str:
    """Format a traceback of Python and Java, with ``cause_of`` instead of the exceptions' texts."""
    of_worker = [each.trace for each in causes(error) if isinstance(each, WorkerError) and each.trace]
    if shows_values:
        return "".join([*of_worker, *traceback.format_exception(error)])
    parts = of_worker
    for each in reversed(list(causes(error))):
        frames = traceback.format_tb(each.__traceback__)
        parts += ["Traceback (most recent call last):\n"] if frames else []
        parts += [*frames, cause_of(each) + "\n"]
        parts += [line + "\n" for line in _java_trace(_text_of(each))]
    return "".join(parts)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Return an exception, its causes and its contexts."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _has_safe_text(error: BaseException) -> bool:
    """Return whether the text of an exception cannot quote values."""
    if isinstance(error, LakewrightError) or type(error) in (*_OF_CODE, *_OF_SYSTEM, *_OF_PLACES):
        return True
    if isinstance(error, OSError):
        return error.errno is not None
    is_of_service = any(kind.__module__ == _OF_SERVICES for kind in type(error).__mro__)
    return (is_of_service and type(error).__name__ != _QUOTES_ARGUMENTS) or type(error).__name__ == _ANALYSIS


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - py4j asks the JVM for the text, and the JVM may have ended
        return ""


def _java_cause(error: BaseException) -> list[str]:
    """Return the root exception of an error from Spark, with its text if it is a system error, and the condition."""
    if not type(error).__module__.startswith(_OF_SPARK):
        return []
    text = _text_of(error)
    roots = _java_roots(text)
    match = _JAVA_CLASS.match(roots[-1]) if roots else None
    if match and _OF_JAVA_SYSTEM.fullmatch(match[0]):
        return [roots[-1]]
    condition = _CONDITION.search(text)
    return [match[0] if match else "", condition[1] if condition else ""]


def _java_roots(text: str) -> list[str]:
    """Return the causes that an error from Spark names, else the exception itself, with their texts."""
    lines = text.splitlines()
    causes = [line.removeprefix(_CAUSED_BY) for line in lines if line.startswith(_CAUSED_BY)]
    return causes or [line.removeprefix(_RAISED) for line in lines if line.startswith(_RAISED)][:1]


def _java_trace(text: str) -> Iterator[str]:
    for line in text.splitlines():
        match = _JAVA_CLASS.match(line.removeprefix(_CAUSED_BY))
        if _JAVA_FRAME.fullmatch(line):
            yield line
        elif match and line.startswith(_CAUSED_BY):
            yield _CAUSED_BY + match[0]


def _place_of(trace: TracebackType | None) -> str:
    """Return the last line of this project's code in a traceback."""
    place = ""
    for frame in traceback.extract_tb(trace):
        path = Path(frame.filename)
        if path.is_relative_to(_ROOT) and (below := path.relative_to(_ROOT)).parts[0] in _PACKAGES:
            place = f"{below.as_posix()}:{frame.lineno}"
    return place
