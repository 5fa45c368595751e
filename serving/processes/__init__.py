"""Starts worker processes, replaces those that hang or end, and calls functions in other processes.

`server/worker.py` is the program that a worker process runs.
"""
