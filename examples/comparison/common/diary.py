"""Writes down which bodies really ran, for compare.py to read."""


def note(name: str) -> None:
    with open("ran.txt", "a") as file:
        file.write(f"{name}\n")
