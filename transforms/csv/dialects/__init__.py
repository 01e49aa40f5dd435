"""Dialects of CSV text."""
