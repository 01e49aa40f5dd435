"""What the next run would do, as data: reads what the run would decide by, and writes nothing."""
