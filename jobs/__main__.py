"""``python -m jobs VERB FEED``."""

from jobs.cli.verbs import main

if __name__ == "__main__":
    main()
