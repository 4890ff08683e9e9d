"""The command line: one file per command, over what they share."""
