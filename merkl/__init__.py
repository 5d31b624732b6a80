"""MerkL: typed dataflow in Python."""
