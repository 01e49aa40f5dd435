"""One module per subject, with a ``SUBJECT``."""
