"""What a run leaves behind for people and machines to read."""
