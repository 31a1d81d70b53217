"""What tells people how to use the commands: examples, completions, and the reference made of the command tree."""
