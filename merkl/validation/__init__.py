"""Run-time checks of values against hints; the only importer of typeguard.

`compile_validator` turns a hint into a check once, `validate_value` compiles and checks in one go.
"""

from merkl.validation.problem import Problem
from merkl.validation.validator import Items, compile_validator, validate_value

__all__ = ["Items", "Problem", "compile_validator", "validate_value"]
