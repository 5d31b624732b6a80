import csv

import helper
from diary import note
from hamilton.function_modifiers import group as gather
from hamilton.function_modifiers import parameterize, source, value

WEIGHTS = [1, 2, 3]


def load(path: str) -> list[tuple[str, int]]:
    note("load")
    with open(path) as file:
        return [(row["item"], helper.cents(row["price"])) for row in csv.DictReader(file)]


def groups(load: list[tuple[str, int]]) -> dict[str, int]:
    note("group")
    return {item: sum(price for name, price in load if name == item) for item, _ in sorted(load)}


@parameterize(**{f"score_{n}": {"weight": value(n)} for n in WEIGHTS})
def score(groups: dict[str, int], weight: int) -> int:
    note(f"score {weight}")
    return sum(price * weight for price in groups.values())


@parameterize(report={"scores": gather(*(source(f"score_{n}") for n in WEIGHTS))})
def make_report(scores: list[int]) -> str:
    note("report")
    return " ".join(map(str, scores))


if __name__ == "__main__":
    import flow
    from hamilton import driver

    built = driver.Builder().with_modules(flow).with_cache().build()
    print("answer:", built.execute(["report"], inputs={"path": "table.csv"})["report"])
