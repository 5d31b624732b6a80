"""Where results live: base classes, index, content backends, the workspace's ledger."""
