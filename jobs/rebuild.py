"""Rebuild of the tables of a feed, of any job, from all sources."""

from jobs.cli.entrypoint import rebuild_as_script

if __name__ == "__main__":
    rebuild_as_script()
