"""A target's log, and the table state that follows from it."""
