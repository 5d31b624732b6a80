"""Files and directories as typed values, and what is known of those on disk."""
