"""Tasks, calls and Futures: everything that is built before anything runs."""
