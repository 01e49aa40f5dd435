"""Find the records of CSV text, and parse them into text columns."""
