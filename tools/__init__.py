"""Programs for maintainers, not part of the wheel. Run them from the repository's root: `python -m tools.<name>`."""
