"""Print the fingerprints of the definitions in tests/golden/zoo.py, one a line; run by tests as a script."""

import importlib.util
import sys
import warnings
from pathlib import Path
from types import FunctionType

from sample import encode

from merkl.fingerprint import Fingerprinter


def main(path: str) -> None:
    spec = importlib.util.spec_from_file_location("zoo", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["zoo"] = module
    spec.loader.exec_module(module)
    warnings.simplefilter("ignore")
    fingerprinter = Fingerprinter(encode=encode, project_root=Path(path).parent)
    for name, value in vars(module).items():
        if isinstance(value, FunctionType) and value.__module__ == "zoo" and not name.startswith("_"):
            print(name, fingerprinter.fingerprint(value).digest.hex())


main(sys.argv[1])
