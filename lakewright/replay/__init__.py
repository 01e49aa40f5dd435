"""Replay: rejected rows that pass today's config become source objects of their feed."""
