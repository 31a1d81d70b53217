"""The streams of `nscr watch`: what one view asks in a round, and what it makes of the answers."""
