"""Checks of the templates, with the tools of ``locks/deploy.txt``: offline (static), and deployed locally (local)."""
