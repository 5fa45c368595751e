"""The embedded model server: its main program, its worker processes, and what one of them consists of."""
