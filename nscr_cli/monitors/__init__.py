"""What is watched while it happens: samples, rules, live views."""
