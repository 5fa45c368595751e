"""The `gallery` command.

`main` parses a command line and runs the command. `commands` lists the commands: those that send requests to a server
are in `requests`, and each other command has a module of its own.
"""
