"""What is reported of a configuration that cannot be used."""


class ConfigError(Exception):
    """Report a configuration that cannot be used; `problems` holds a line for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
