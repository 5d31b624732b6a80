"""Projects of one text each, and an edit to them."""
