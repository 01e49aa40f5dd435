"""A target's log, and the table state that it adds up to."""
