"""What runs do, what they use, and where they run: as workers and driver measure it, and as receipts name it."""
