"""The worker processes: the pool that starts and replaces them, and the calls between processes."""
