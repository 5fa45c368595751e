"""The server's configuration: flags, and files for models, batching, TLS and monitoring."""
