"""Files of AWS DMS."""
