"""Run-time checks of values; the only importer of typeguard."""
