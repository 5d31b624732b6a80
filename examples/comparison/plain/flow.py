import csv

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


def report(scores: list[int]) -> str:
    note("report")
    return " ".join(map(str, scores))


WEIGHTS = [1, 2, 3]


def main() -> str:
    groups = group(load("table.csv"))
    return report([score(groups, weight) for weight in WEIGHTS])


if __name__ == "__main__":
    print("answer:", main())
