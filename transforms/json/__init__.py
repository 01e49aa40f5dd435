"""Pure functions over JSON lines, as text."""
