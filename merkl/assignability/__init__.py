"""May a value of type A flow into a place of type B: yes, no with the reason, or unknown."""
