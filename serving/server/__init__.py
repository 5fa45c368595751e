"""The embedded model server: its main program, and the program of its worker processes."""
