"""Questions become answers: from options, at a terminal, or from defaults."""

from collections.abc import Mapping
from copy import deepcopy

from hookgate.config.error import ConfigError
from hookgate_cli.common import err, fail, out
from hookgate_cli.terminal import printable

from .answers import Answers, build_config
from .questions import QUESTIONS, Question


def collect(given: Mapping[str, str | None], *, is_terminal: bool, takes_defaults: bool) -> Answers:
    """Return what was given by option, and for the rest what is answered, or the defaults.

    Exits with 2, and every problem, for an option that cannot be used, and for one that is missing
    where there is nobody to ask.
    """
    answers = Answers()
    problems: list[str] = []
    missing: list[Question] = []
    for question in QUESTIONS:
        text = given.get(question.option)
        if not question.is_due(answers):
            if text not in (None, "", "no", "none") and not problems and not missing:
                problems.append(f"{question.option} is given in vain: {question.otherwise}")
            continue
        if text is None and takes_defaults and question.default and not missing and not problems:
            text = question.default(answers)
        if text is not None:
            found, answers = take(question, answers, text)
            problems += found
        elif is_terminal and not takes_defaults and not problems:
            answers = _ask(question, answers)
        else:
            missing.append(question)
    needed = [question.option for question in missing if question.default is None]
    others = [question.option for question in missing if question.default]
    if needed or (others and not takes_defaults and not problems):
        asked = f"give {' and '.join(needed)}" if needed else ""
        rest = f"--yes, or each of {', '.join(others)}" if not takes_defaults and others else ""
        problems.append(f"nobody is asked: {', and '.join(filter(None, (asked, rest)))}")
    if problems:
        fail(problems)
    return answers


def take(question: Question, answers: Answers, text: str) -> tuple[list[str], Answers]:
    """Take an answer; returns what is wrong with it, and the answers with it if nothing is."""
    changed = deepcopy(answers)
    try:
        question.take(changed, text)
        build_config(changed)
    except ConfigError as error:
        return error.problems, answers
    except ValueError as error:
        return [str(error)], answers
    return [], changed


def _ask(question: Question, answers: Answers) -> Answers:
    default = question.default(answers) if question.default else ""
    out.print(f"\n{question.ask}", soft_wrap=True)
    for line in question.more:
        out.print(f"  {line}", soft_wrap=True)
    while True:
        try:
            text = input(f"[{default}] > " if default else "> ").strip()
        except EOFError:
            fail("it ended before every question was answered; nothing is written")
        problems, changed = take(question, answers, text or default)
        if not problems:
            return changed
        for problem in problems:
            err.print(printable(problem), soft_wrap=True)
