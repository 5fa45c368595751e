"""What only maintainers run, from the root of the repository: `python -m tools.<name>`. Not part of the wheel."""
