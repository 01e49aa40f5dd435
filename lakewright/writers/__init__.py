"""From DataFrames to staged files."""
