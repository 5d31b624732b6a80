"""What every layer may use: errors, nested containers, type hints, configuration, logging."""

# First of all, so that Ctrl-C during what is imported next shows no traceback of the command.
import merkl._base.early_interrupts as _early_interrupts  # noqa: F401
