"""Compression of objects, declared by the endings of their names."""
