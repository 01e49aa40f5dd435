"""What lies at a source, and which of it is the next batch."""
