"""From source objects to DataFrames."""
