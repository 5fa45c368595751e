"""The pool that starts and replaces worker processes, and the calls between processes."""
