"""What a server is told at its start: flags, model config files, batching, TLS and monitoring files."""
