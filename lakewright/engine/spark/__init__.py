"""The Spark engine: session, readers and writers."""
