"""Pure functions from DataFrame to DataFrame, and from text to text; no session, clock, file or network."""
