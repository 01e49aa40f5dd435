"""The session, and what is done in it."""
