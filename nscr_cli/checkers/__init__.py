"""Pure judges of a history: plan, history and samples in, results out; no client, no clock."""
