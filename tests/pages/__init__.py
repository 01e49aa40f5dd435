"""Pages: structure and values without a browser; `make test-pages` opens them in one."""
