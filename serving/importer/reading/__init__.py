"""What the readers of all formats share: recognising the format, limits, vetting a configuration."""
