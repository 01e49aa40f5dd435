"""A buffer of text whose last record is incomplete. No pyspark."""

from collections.abc import Iterator


class TextBuffer:
    """The beginning of a text that arrives in pieces.

    Attributes:
        text: The text that was read and not dropped yet.
        is_last: Whether this is all; it then ends with a line end.
        added: The number of bytes that were added to end the last line.
    """

    def __init__(self, pieces: Iterator[bytes], line_end: bytes) -> None:
        self.text, self.is_last, self.added = b"", False, 0
        self._pieces, self._line_end = pieces, line_end

    def fill(self, least: int) -> None:
        """Read until there are at least some bytes, or the text ends."""
        parts, size = [self.text], len(self.text)
        while size < least and not self.is_last:
            piece = next(self._pieces, None)
            if piece is None:
                self.is_last = True
            else:
                parts.append(piece)
                size += len(piece)
        if len(parts) > 1:
            self.text = b"".join(parts)
        if self.is_last and self.text and not self.text.endswith(self._line_end):
            self.text += self._line_end
            self.added = len(self._line_end)

    def grow(self, limit: int) -> None:
        """Read as much again, or up to a limit."""
        self.fill(min(2 * len(self.text) + 1, limit))

    def drop(self, length: int) -> None:
        """Drop the first bytes of the text."""
        self.text = self.text[length:]
