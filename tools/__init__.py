"""Programs for maintainers, which the wheel does not contain.

Run them in the root folder of the repository: `python -m tools.<name>`.
"""
