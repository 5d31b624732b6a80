"""One adapter a framework: the same work, written as that framework's own documentation would have it."""
