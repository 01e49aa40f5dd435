"""A job for one target: its parts, and the data they exchange with a run."""
