"""Where a model can go, judged by tables that were measured layer by layer.

`tools/doctor` measures the tables.
"""
