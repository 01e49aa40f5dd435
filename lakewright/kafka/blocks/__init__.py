"""Objects of events to rows, in blocks: lines, rows with their origins, and what their objects report."""
