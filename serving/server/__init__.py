"""The embedded model server: the main program, and the program of the worker processes."""
