"""Pure functions over JSON text."""
