"""The commands, one verb a file: parse, call, render."""
