"""Replay: rejected rows that pass the current config become source objects of their feed."""
