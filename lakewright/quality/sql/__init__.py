"""Expectations compiled to SQL that DuckDB and Spark evaluate alike."""
