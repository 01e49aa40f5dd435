"""Corrections: source objects in the lake that replace rejected records of other source objects."""
