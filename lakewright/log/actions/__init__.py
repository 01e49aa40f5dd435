"""The typed actions of a batch: what it did to its table."""
