"""What MerkL's example uses of scikit-learn, which ships no types."""

from typing import Any

from numpy import float64, int64
from numpy.typing import NDArray

class Bunch(dict[str, Any]):
    data: NDArray[float64]
    target: NDArray[int64]

def load_digits() -> Bunch: ...
