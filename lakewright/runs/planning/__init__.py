"""Plans: what the next run would do, as data. The code of the run decides it; nothing is written."""
