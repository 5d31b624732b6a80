"""What a task is: its code, all code and constants that code reaches, and its declared deps, as one digest."""
