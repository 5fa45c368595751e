"""The embedded model server: its main program and its worker processes."""
