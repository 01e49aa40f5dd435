"""Pure functions from events to flat, typed columns."""
