"""The `gallery` command: a command a file, and a table of the commands that ask a server."""
