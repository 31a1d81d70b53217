"""The history of a run: what was asked, what was answered, in a file that can be judged without a registry."""
