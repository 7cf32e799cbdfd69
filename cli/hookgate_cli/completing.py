"""What a shell offers for the value of an option, where there is a list of what it may be."""

from collections.abc import Callable, Iterable


def one_of(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what typer calls for completion: of `words` those that begin as what is there."""

    def begun(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return begun
