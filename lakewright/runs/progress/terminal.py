"""Progress on a terminal: finished stages as lines; below them the running ones, with a bar if they have a total."""

import locale
import time
from collections.abc import Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group, RenderableType, RenderResult
from rich.control import Control
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import ControlType, Segment
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from lakewright.runs.progress.log import amount_of
from lakewright.runs.progress.stages import Stage
from lakewright.runs.progress.texts import readable_bytes, readable_time

#: The longest stage name is "committed before".
_STAGE_WIDTH: Final = 16
_WIDEST_BAR: Final = 40
_NARROWEST_BAR: Final = 8
_INDENT: Final = 2
_BY_IMPORTANCE: Final = ("share", "left", "rejected", "rows", "amount", "rate")


class Terminal:
    """Stages on a terminal; see ``Display``."""

    seconds = 0.2

    def __init__(self) -> None:
        self._console = _Console(stderr=True, highlight=False)
        self._spinner = Spinner("dots" if self._console.is_utf8 else "line")
        self._target_width = 0
        self._live = _Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()
        # A process that is killed cannot show the cursor again.
        self._console.show_cursor(True)

    def begin(self, stage: Stage) -> None:
        """See ``Display.begin``."""
        self._target_width = max(self._target_width, cell_len(stage.target))

    def end(self, stage: Stage) -> None:
        """See ``Display.end``."""
        self._live.draw([])
        self._console.print(self._line(" ", stage), soft_wrap=True)

    def show(self, running: Sequence[Stage], waiting: Sequence[str]) -> None:
        """See ``Display.show``."""
        self._target_width = max([self._target_width, *map(cell_len, waiting)])
        mark = str(self._spinner.render(time.monotonic()))
        lines: list[RenderableType] = []
        for stage in running:
            lines.append(_on_one_line(self._line(mark, stage)))
            if stage.share is not None:
                lines.append(_bar(stage, self._console.width))
        if waiting:
            lines.append(_on_one_line(Text(f"  {len(waiting)} waiting: {', '.join(waiting)}", "dim")))
        self._live.draw(lines)

    def close(self) -> None:
        """See ``Display.close``."""
        try:
            self._live.draw([])
        finally:
            self._live.stop()  # gives stderr back, also if it cannot be written

    def _line(self, mark: str, stage: Stage) -> Text:
        width = min(self._target_width, self._console.width // 3)
        seconds, padding = f"{stage.seconds:.1f} s", " " * (width - cell_len(stage.target))
        return Text.assemble(
            (f"{mark} ", "green"),
            (f"{stage.target}{padding}  ", "bold"),
            f"{stage.name:<{_STAGE_WIDTH}}{seconds:>8}",
            (f"  {stage.detail}" if stage.detail else "", "dim"),
        )


class _Console(Console):
    """A console that knows the terminal's encoding: stderr itself has been set to UTF-8."""

    @property
    def is_utf8(self) -> bool:
        """Whether the terminal shows UTF-8."""
        return locale.getencoding().lower().replace("-", "") == "utf8"

    @property
    def encoding(self) -> str:
        """The encoding of the terminal; rich draws bars of ASCII characters if it is not UTF-8."""
        return "utf-8" if self.is_utf8 else "ascii"

    def on_broken_pipe(self) -> None:
        """See ``Console.on_broken_pipe``, which would exit the process."""
        raise BrokenPipeError


class _Live(Live):
    """Lines that are redrawn in place, also after the terminal has become narrower and wrapped them."""

    _drawn: RenderableType = ""

    def draw(self, lines: Sequence[RenderableType]) -> None:
        """Draw lines in place of those drawn before."""
        self.update(_Lines(lines), refresh=True)

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """See ``RenderHook.process_renderables``: first go up as many rows as the terminal added."""
        drawn, self._drawn = self._drawn, self.get_renderable()
        added = drawn.added_rows(self.console.width) if isinstance(drawn, _Lines) else 0
        up = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)) * added
        return [Control(*up), *super().process_renderables(renderables)]


class _Lines:
    """Lines that remember how wide they were drawn."""

    def __init__(self, lines: Sequence[RenderableType]) -> None:
        self._lines = Group(*lines)
        self._widths: list[int] = []

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._lines, options, pad=False)[: options.size.height]
        self._widths = [Segment.get_line_length(line) for line in lines]
        for line in lines:
            yield from line
            yield Segment.line()

    def added_rows(self, width: int) -> int:
        """Return how many rows a terminal of this width has added by wrapping the lines."""
        return sum(max(0, (cells - 1) // max(1, width)) for cells in self._widths)


def _on_one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _bar(stage: Stage, width: int) -> Table:
    """Return the bar of a stage, and of its numbers as many as fit beside it."""
    bar = max(_NARROWEST_BAR, min(width // 4, _WIDEST_BAR))
    numbers = "".join(f"  {number}" for number in _fitting(_numbers(stage), width - _INDENT - bar - 1))
    line = Table.grid()
    for _ in range(3):
        line.add_column(no_wrap=True)
    line.add_row(" " * _INDENT, ProgressBar(total=1.0, completed=stage.share or 0.0, width=bar), numbers)
    return line


def _numbers(stage: Stage) -> dict[str, str]:
    """Return the numbers of a stage, in the order in which they are shown."""
    left = stage.seconds_left
    amount = amount_of(stage) if stage.unit != "bytes" else ""
    return {
        "share": f"{stage.percent:>4}",
        "amount": amount,
        "rows": f"{stage.done.rows:,} rows" if stage.done.rows else "",
        "rejected": f"{stage.done.rejected:,} rejected" if stage.done.rejected else "",
        "rate": f"{readable_bytes(stage.rate)}/s" if stage.rate and stage.unit == "bytes" else "",
        "left": f"{readable_time(left)} left" if left is not None else "",
    }


def _fitting(numbers: Mapping[str, str], room: int) -> list[str]:
    """Return the numbers that fit, the most important ones if not all do."""
    shown: set[str] = set()
    for name in _BY_IMPORTANCE:
        if (needed := len(numbers[name]) + 2) <= room and numbers[name]:
            shown.add(name)
            room -= needed
    return [number for name, number in numbers.items() if name in shown]
