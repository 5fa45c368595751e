"""The `gallery` command.

`main` parses a command line and runs the command. `commands` lists the commands. The commands that send requests to a
server are in `requests`; every other command has its own module.
"""
