"""In which order calls run, and the running of one call."""
