"""What is reported of a configuration that cannot be used."""

from hookgate.wording import first_few


class ConfigError(Exception):
    """Report a configuration that cannot be used.

    `problems` holds a line for each thing wrong, of very many the first and their number.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = first_few(problems)
        super().__init__("\n".join(self.problems))
