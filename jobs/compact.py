"""Compaction of tables: all of a feed, or a merge-on-read Hudi table by its name in the catalog."""

from jobs.cli.compaction import compact_as_script

if __name__ == "__main__":
    compact_as_script()
