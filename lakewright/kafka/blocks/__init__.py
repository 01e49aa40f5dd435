"""Objects of events to rows, in blocks: texts of records, lines, rows with their origins, and reports of objects."""
