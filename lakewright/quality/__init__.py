"""Gates: expectations on the rows that a batch staged."""
