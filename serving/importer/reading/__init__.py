"""Code shared by the readers of all file formats: format detection, size limits, and safety checks."""
