"""What every version of the pipeline uses: a constant and a function in a module of their own."""

UNIT = 100


def cents(text: str) -> int:
    return round(float(text) * UNIT)
