"""The beginning of a CSV object: decompression, other formats, and the lines before its header."""
