"""What goes wrong on purpose: faults between the clients and the registry, aimed and replayable."""
