"""Random pairs of types over one fixed set of classes, and what mypy says of each."""

from __future__ import annotations

import ast
import importlib.util
import random
import re
import sys
from pathlib import Path
from types import ModuleType

from mypy import api

_HERE = Path(__file__).parent
_ONE = [
    "list",
    "set",
    "frozenset",
    "Sequence",
    "Iterable",
    "Iterator",
    "Collection",
    "MutableSequence",
    "Set",
    "MutableSet",
    "Reversible",
    "Box",
    "Src",
    "Sink",
    "SubBox",
    "PGet",
    "PSet",
    "MyDict",
    "Awaitable",
    "KeysView",
    "ValuesView",
    "typing.List",
    "collections.Counter",
    "collections.deque",
    "TDg",
    "NTg",
    "DCg",
    "DCgf",
    "Deep",
    "MyIter",
    "CbBox",
    "POp",
    "PProp",
    "PGetItem",
    "PIter",
    "PLt",
    "asyncio.Queue",
    "ContextManager",
    "SupportsAbs",
    "IO",
    "LinkG",
    "TupG",
    "TupD",
    "TupTs",
    "ArrSub",
    "TDgx",
]
_TWO = [
    "dict",
    "Mapping",
    "MutableMapping",
    "Pair",
    "Swap",
    "collections.OrderedDict",
    "collections.defaultdict",
    "ItemsView",
    "PCallGen",
]
_ONE_312 = [
    "N",
    "NI",
    "NC",
    "NA",
    "NAp",
    "NAi",
    "NL",
    "NS",
    "NCb",
    "NSelf",
    "NSub",
    "NSeq",
    "NList",
    "NP",
    "NPc",
    "NPa",
    "ND",
    "NDf",
    "NNT",
    "NTD",
    "NProp",
    "AlG",
    "AlV",
    "AlVT",
    "NTs",
    "NTsSub",
    "NSetCb",
    "NCached",
    "NAnyOr",
    "NKeys",
    "NTree",
]
_TWO_312 = ["AlV", "AlVT", "NTs", "NTsSub"]
_ATOMS = [
    "int",
    "str",
    "float",
    "bool",
    "bytes",
    "complex",
    "None",
    "object",
    "Any",
    "A",
    "B",
    "C",
    "D",
    "E",
    "Color",
    "IColor",
    "SColor",
    "One",
    "Point",
    "FPoint",
    "NT",
    "NT2",
    "TD",
    "TDp",
    "TDt",
    "TDn",
    "TDr",
    "TDx",
    "TDf",
    "TDl",
    "TDreq",
    "TDsub",
    "TDrec",
    "TDrec2",
    "UserId",
    "Sub",
    "Name",
    "Items",
    "IntBox",
    "StrSrc",
    "MyList",
    "MySeq",
    "PX",
    "PXp",
    "PXf",
    "PLen",
    "PCall",
    "PNamed",
    "PClose",
    "HasX",
    "HasXp",
    "HasXb",
    "Closer",
    "Closer2",
    "Closer3",
    "CallMe",
    "CallMe2",
    "InitX",
    "InitX2",
    "InitX3",
    "ClsX",
    "FinX",
    "PropX",
    "PClsX",
    "PFx",
    "PStatic",
    "MakeS",
    "MakeC",
    "MakeI",
    "MakeK",
    "MakeStar",
    "PMake",
    "PMakeKw",
    "PMakeOpt",
    "PSelf",
    "CloneA",
    "CloneB",
    "PNode",
    "Node",
    "NodeBad",
    "PCallDef",
    "PCallKw",
    "PCallAny",
    "CallStar",
    "CallOv",
    "Async1",
    "PAsync",
    "Ctx",
    "ItN",
    "Map0",
    "EqOnly",
    "WithMeta",
    "GetAttr",
    "Tup2",
    "TupV",
    "Coords",
    "Json",
    "Tree",
    "TreeS",
    "range",
    "type",
    "tuple",
    "list",
    "dict",
    "pathlib.Path",
    "datetime.date",
    "datetime.datetime",
    "decimal.Decimal",
    "SupportsInt",
    "SupportsFloat",
    "Hashable",
    "Sized",
    "io.StringIO",
    "ValueError",
    "Literal[1]",
    "Literal[1,2]",
    "Literal['a']",
    "Literal[True,False]",
    "Literal[Color.RED]",
    "Literal[Color.RED,Color.BLUE]",
    "tuple[()]",
    "tuple[int,*tuple[str,...]]",
    "tuple[Any,...]",
    "LiteralString",
    "Never",
    "type[Any]",
    "type[Union[A, D]]",
    "Literal[b'a', None]",
    "Literal[-1, 1]",
    "re.Pattern[str]",
    "uuid.UUID",
    "numbers.Number",
    "fractions.Fraction",
    "Callable[..., Any]",
    "Callable[[], None]",
    "Job[[int, str], bool]",
    "Job[..., object]",
    "Arr[int]",
    "Arr[int, str, bool]",
    "Outer.Inner",
    "Outer.InnerP",
    "FwdId",
    "SelfList",
    "SelfBox",
    "RecTup",
    "Link",
    "TupAny",
    "TupTs[()]",
    "TupTs[int, str]",
    "TupOpen1",
    "TupOpen2",
    "PRun[[]]",
    "PRun[[str]]",
    "PRun[...]",
    "RunNone",
    "RunStr",
    "TDcb[[]]",
    "TDcb[[int]]",
    "TDclosed",
    "TDclosed2",
    "POv",
    "HasOv",
    "HasOv2",
    "PPrivate",
    "PFunction",
    "PCallable0",
    "typing.Tuple",
    "unittest.mock.Mock",
    "types.GenericAlias",
    "DescX",
    "DescXs",
    "CachedX",
    "PSetX",
    "PSame",
    "PEach",
    "MakeSame",
    "MakeAny",
    "TextTree",
    "TextNone",
    "CbMany[int, str]",
    "CbMany[()]",
    "Mixed",
    "PBytes",
    "Buffer",
    "IO[bytes]",
    "TextIO",
    "Callable[[int, Unpack[tuple[str, ...]]], int]",
    "Callable[[Unpack[tuple[int, str]]], int]",
]


def write_module(path: Path, pairs: list[tuple[str, str]]) -> dict[int, int]:
    """Write one function for each pair; gives the index of the pair for each line that may be refused."""
    text = (_HERE / "type_pairs_classes.txt").read_text()
    if sys.version_info >= (3, 12):
        text += (_HERE / "type_pairs_classes_312.txt").read_text()
    lines = text.split("\n")
    line_of: dict[int, int] = {}
    for index, (source, target) in enumerate(pairs):
        lines.append(f"def f{index}(x: {source}, t: {target}) -> None:")
        line_of[len(lines)] = -1 - index
        lines.append(f"    y: {target} = x")
        line_of[len(lines)] = index
    path.write_text("\n".join(lines))
    return line_of


def judge_by_mypy(path: Path, line_of: dict[int, int]) -> tuple[set[int], set[int]]:
    """The pairs that mypy refuses, and those that are no valid types to it."""
    output, errors, _ = api.run(
        [str(path), "--config-file=", "--no-error-summary", "--hide-error-context", "--cache-dir=/dev/null"]
    )
    assert not errors, errors
    refused, invalid = set(), set()
    for line in output.splitlines():
        found = re.match(r".*?:(\d+): error: (.*)", line)
        index = line_of.get(int(found[1])) if found else None
        if found is None or index is None:
            continue
        if index >= 0 and found[2].endswith("[assignment]"):
            refused.add(index)
        else:
            invalid.add(index if index >= 0 else -1 - index)
    return refused, invalid


def load(path: Path) -> ModuleType:
    """Import the module that was written."""
    spec = importlib.util.spec_from_file_location("generated_type_pairs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def random_pairs(seed: int, count: int) -> list[tuple[str, str]]:
    """Pairs up to three levels deep; three of four are one type and a variation of it, so that many fit."""
    rng = random.Random(seed)
    found: list[tuple[str, str]] = []
    while len(found) < count:
        source = target = _random_type(rng, rng.choice([0, 1, 2, 3, 3]))
        if rng.random() < 0.25:
            target = _random_type(rng, rng.choice([0, 1, 2, 3]))
        else:
            for _ in range(rng.choice([1, 1, 2])):
                target = _varied(rng, target)
        found.append((source, target) if rng.random() < 0.6 else (target, source))
    return found


def _random_type(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(_ATOMS)
    inner = [_random_type(rng, depth - 1) for _ in range(3)]
    is_new = sys.version_info >= (3, 12)
    one, two = _ONE + (_ONE_312 if is_new else []), _TWO + (_TWO_312 if is_new else [])
    options = [
        f"{rng.choice(one)}[{inner[0]}]",
        f"{rng.choice(one)}[{inner[0]}]",
        f"{rng.choice(two)}[{inner[0]}, {inner[1]}]",
        f"tuple[{', '.join(inner[: rng.randint(1, 3)])}]",
        f"tuple[{inner[0]}, ...]",
        f"Union[{inner[0]}, {inner[1]}]",
        f"Optional[{inner[0]}]",
        f"Callable[[{', '.join(inner[1 : rng.randint(1, 3)])}], {inner[0]}]",
        f"type[{rng.choice(['A', 'B', 'C', 'D', 'int', 'str', 'Point', 'Color', 'IntBox'])}]",
        f"Annotated[{inner[0]}, 'note']",
        f"Callable[..., {inner[0]}]",
        f"Callable[Concatenate[{inner[1]}, ...], {inner[0]}]",
        f"Job[[{', '.join(inner[1 : rng.randint(1, 3)])}], {inner[0]}]",
        f"tuple[{inner[0]}, *tuple[{inner[1]}, ...]]",
        f"tuple[*tuple[{inner[0]}, ...], {inner[1]}]",
        f"Arr[{inner[0]}, {inner[1]}]",
        f"PRun[[{', '.join(inner[1 : rng.randint(1, 3)])}]]",
        *([f"AlP[[{inner[0]}], {inner[1]}]", f"NRun[[{inner[0]}]]"] if is_new else []),
    ]
    return rng.choice(options)


def _varied(rng: random.Random, text: str) -> str:
    """The type with one part of it made wider, narrower or something else."""
    tree = ast.parse(text, mode="eval").body
    parts = list(_parts(tree))
    part = rng.choice(parts)
    old = ast.unparse(part)
    news = [
        f"Optional[{old}]",
        f"Union[{old}, {_random_type(rng, 1)}]",
        "Any",
        "object",
        _random_type(rng, 1),
    ]
    new = ast.parse(rng.choice([*news, *_RELATIVES.get(old, []), *_RELATIVES.get(old, [])]), mode="eval").body

    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is part else self.generic_visit(node)

    written = ast.unparse(Swap().visit(tree))
    return written if written.count("[") == written.count("]") else text


_RELATIVES = {
    "int": ["float", "bool", "UserId"],
    "str": ["Sequence[str]", "Name"],
    "A": ["B"],
    "B": ["A", "C"],
    "TD": ["TDp", "TDx", "TDn", "Mapping[str, object]"],
    "NT": ["tuple[int, str]"],
    "HasX": ["PX", "PXp"],
    "CallMe": ["PCall", "Callable[[int], str]"],
    "Point": ["PX"],
    "InitX": ["PX", "PFx"],
    "MakeStar": ["PMake", "PMakeOpt"],
    "Node": ["PNode"],
    "FwdId": ["int"],
    "SelfList": ["list[SelfList]"],
    "SelfBox": ["Box[SelfBox]"],
    "RecTup": ["tuple[int, RecTup | None]"],
    "Link": ["tuple[int, Link | None]", "tuple[int, object]"],
    "TupAny": ["TupTs[int, str]", "TupTs[()]"],
    "TupOpen1": ["TupOpen2", "tuple[int, ...]"],
    "RunNone": ["PRun[[]]", "PRun[...]"],
    "RunStr": ["PRun[[str]]", "PRun[...]"],
    "TDcb[[]]": ["TDcb[[int]]", "TDcb[...]"],
    "TDp": ["TDclosed"],
    "TDclosed": ["TDp", "TDclosed2"],
    "HasOv": ["POv"],
    "PPrivate": ["PCall", "PNamed"],
    "PFunction": ["Callable[[int], str]"],
    "typing.Tuple": ["tuple[int, str]"],
    "Color": ["Literal[Color.RED, Color.BLUE]"],
    "DescX": ["PX", "PXp", "PSetX"],
    "DescXs": ["PXp"],
    "CachedX": ["PXp", "PX", "PSetX"],
    "MakeSame": ["PSame", "PEach"],
    "MakeAny": ["PSame", "PEach", "PMake"],
    "TextTree": ["int", "list[TextTree]", "str"],
    "TextNone": ["A", "B", "None"],
    "Mixed": ["PBytes"],
    "IO[bytes]": ["Iterable[bytes]", "Iterator[Any]", "Iterable[str]"],
    "bytes": ["Buffer"],
}


def _parts(node: ast.expr) -> list[ast.expr]:
    found = [node]
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) not in ("Literal", "Annotated"):
        for item in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            for each in item.elts if isinstance(item, ast.List) else [item]:
                if not isinstance(each, (ast.Constant, ast.Starred, ast.Tuple)):
                    found.extend(_parts(each))
    return found
