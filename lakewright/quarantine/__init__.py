"""Rejected rows: one table per feed."""
