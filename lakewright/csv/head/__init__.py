"""What is read of a CSV object before its header, and how its format is told."""
