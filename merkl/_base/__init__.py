"""What every layer may use: errors, nested containers, type hints, configuration, logging."""
