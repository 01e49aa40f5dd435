"""Compaction of merge-on-read Hudi tables: all of a feed, or one by its name in the catalog."""

from jobs.cli.compaction import compact_as_script

if __name__ == "__main__":
    compact_as_script()
