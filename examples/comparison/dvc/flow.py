import csv
import json
import sys
from pathlib import Path

import helper
from diary import note


def load(path: str) -> list[tuple[str, int]]:
    note("load")
    with open(path) as file:
        return [(row["item"], helper.cents(row["price"])) for row in csv.DictReader(file)]


def group(rows: list[tuple[str, int]]) -> dict[str, int]:
    note("group")
    return {item: sum(price for name, price in rows if name == item) for item, _ in sorted(rows)}


def score(groups: dict[str, int], weight: int) -> int:
    note(f"score {weight}")
    return sum(price * weight for price in groups.values())


def report(*scores: int) -> str:
    note("report")
    return " ".join(map(str, scores))


if __name__ == "__main__":
    function, made, *given = sys.argv[1:]
    values = [json.loads(Path(name).read_text()) if name.endswith(".json") else name for name in given]
    values = [int(value) if isinstance(value, str) and value.isdigit() else value for value in values]
    with open(made, "w") as file:
        json.dump(globals()[function](*values), file)
