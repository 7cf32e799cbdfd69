"""Tables in the documentation that mirror code say what the code says."""

import json
import re
import tomllib
from pathlib import Path

from hookgate.config.build import load
from hookgate.config.contracts import SHIPPED_CONTRACTS, load_contract, load_rules
from hookgate.config.keys import CHANNEL_KEYS, KEYS, ROUTE_KEYS, SIGNATURE_KEYS
from hookgate.ledger.record import FIELDS, SEAL
from hookgate.networks.ranges import SHIPPED, WATCHED
from hookgate.policy import CHECKS, Contract, ContractRules, OnNginx, Reason, parse_rules
from hookgate.samples import CONTRACTS
from hookgate.signing.schemes import SCHEMES
from hookgate.trace_fields import TRACE_FIELDS
from hookgate.upstream.error import UpstreamError
from hookgate_cli.verbs import VERBS
from support.unseen import CHAIN, KEY, LOG, NOTE, UNSEEN

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def table(page: str, mark: str) -> list[list[str]]:
    """The rows between `<!-- mark -->` comments, cells stripped, headings left out."""
    text = (ROOT / page).read_text()
    match = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", text, re.DOTALL)
    assert match, f"{page} has no {mark} table"
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in match[1].splitlines()
        if line.startswith("|")
    ]
    return [row for row in rows if row[0] not in ("key", "field", "reason", "set", "change", "word",
                                               "check", "scheme", "contract")
            and not row[0].startswith("---")]  # fmt: skip


def test_readme_lists_every_reason_in_order_with_status_and_outcome() -> None:
    """The README's table of answers is the enum."""
    relayed = {Reason.UPSTREAM_REJECTED: "relayed", Reason.CLIENT_GONE: "–"}  # noqa: RUF001  # the dash of the table
    expected = [
        [f"`{reason.code}`", relayed.get(reason, str(reason.status)), reason.outcome.value]
        for reason in Reason
    ]
    assert [row[:3] for row in table("README.md", "reasons")] == expected


def test_configuration_lists_every_check_in_order_with_its_reasons() -> None:
    """What each may find, whether it may only observe, and whether nginx makes it."""
    nginx = {OnNginx.BY_MAP: "yes", OnNginx.BY_ITSELF: "yes, by itself", OnNginx.NO: "no"}
    assert table("docs/configuration.md", "checks") == [
        [
            f"`{check.name}`",
            ", ".join(f"`{reason.code}`" for reason in check.reasons),
            "yes" if check.observable else "no",
            nginx[check.on_nginx],
        ]
        for check in CHECKS
    ]


def test_configuration_lists_every_key_with_its_default() -> None:
    """docs/configuration.md has each key once, in order, with default and purpose."""
    expected = [[f"`{key.name}`", f"`{json.dumps(key.default)}`", key.about] for key in KEYS]
    route_keys = ROUTE_KEYS | {f"signature.{name}": key for name, key in SIGNATURE_KEYS.items()}
    tables = (*route_keys.items(), *CHANNEL_KEYS.items())
    listed = [[f"`{name}`", about] for name, (_, about) in tables]
    rows = table("docs/configuration.md", "keys")
    assert [row for row in rows if len(row) == 3] == expected
    assert [row for row in rows if len(row) == 2] == listed


def test_configuration_lists_the_signature_schemes() -> None:
    """With the fields that each reads."""
    rows = [row[:1] + row[2:3] for row in table("docs/configuration.md", "schemes")]
    assert rows == [
        [f"`{name}`", ", ".join(f"`{field.decode()}`" for field in scheme.fields)]
        for name, scheme in SCHEMES.items()
    ]


def pointers(rules: ContractRules) -> str:
    names = (rules.read[field] for field in ("reference", "event_reference", "names"))
    return ", ".join(dict.fromkeys(f"`/{'/'.join(steps)}`" for found in names for steps in found))


def test_configuration_lists_the_shipped_contracts() -> None:
    """With what their schema and their rules say."""
    kinds = {dict: "an object", list: "an array"}
    expected = []
    for name in SHIPPED_CONTRACTS:
        contract, rules = Contract(name, load_contract(name)), parse_rules(load_rules(name))
        retry = rules.retry.text if rules.retry is not None else "not known"
        expected.append(
            [
                f"`{name}`",
                " or ".join(kinds[top] for top in kinds if top in contract.tops),
                f"`{rules.answer}`",
                f"{retry} (assumed)" if rules.assumed else retry,
                pointers(rules),
            ]
        )
    assert [row[:1] + row[2:] for row in table("docs/configuration.md", "contracts")] == expected


def toml(mark: str) -> str:
    """The block of a page's example."""
    page = (ROOT / "docs/configuration.md").read_text()
    match = re.search(rf"<!-- {mark} -->\n```toml\n(.*?)```", page, re.DOTALL)
    assert match
    return match[1]


def test_the_site_of_all_webhooks_loads(tmp_path: Path) -> None:
    """Each of their contracts on a route."""
    file = tmp_path / "hookgate.toml"
    file.write_text(toml("site"))
    config = load(str(file), {"upstream.url": "http://127.0.0.1:9"}, {})
    assert [route.contract for route in config.routes] == list(CONTRACTS)


def test_the_rules_that_are_shown_have_every_key() -> None:
    """And can be used as they are."""
    rules = parse_rules(toml("rules").encode())
    assert rules.retry is not None
    assert rules.assumed
    assert all(rules.read.values())


def test_configuration_lists_the_fields_that_vary() -> None:
    """The fixed names, in their order."""
    rows = table("docs/configuration.md", "varying")[1:]
    assert [name for row in rows for name in row[1].split(", ")] == [
        f"`{name}`" for name in TRACE_FIELDS
    ]


def test_configuration_lists_the_shipped_ranges() -> None:
    """The ranges and their review date are those of the package."""
    for mark, sets in (("ranges", SHIPPED), ("watched", WATCHED)):
        expected = [[f"`{name}`", ", ".join(s.cidrs), s.reviewed] for name, s in sets.items()]
        assert table("docs/configuration.md", mark) == expected


def test_audit_lists_every_field_and_the_records_that_have_it() -> None:
    """docs/audit.md names each field of each kind once, with its ECS and OpenTelemetry names."""
    kinds: dict[str, list[str]] = {}
    for kind, names in FIELDS.items():
        for name in names:
            kinds.setdefault(name, []).append(kind)
    expected = {
        f"`{name}`": "all" if len(where) == len(FIELDS) else ", ".join(where)
        for name, where in kinds.items()
    }
    expected[f"`{SEAL}`"] = "all, sealed"
    rows = table("docs/audit.md", "fields")
    assert {row[0]: row[1] for row in rows} == expected
    assert len(rows) == len(expected)
    assert all(len(row) == 5 and all(row) for row in rows)


def test_audit_lists_every_cause_for_which_an_endpoint_does_not_answer() -> None:
    """In order, with the sentences that `explain` tells."""
    expected = [[f"`{error.word}`", error.means, error.mend] for error in UpstreamError]
    assert table("docs/audit.md", "upstream-errors") == expected


def test_audit_lists_what_cannot_be_found() -> None:
    """Of each cell a test makes sure that it is so: tests/core/ledger/test_ledger_forgery.py."""
    rows = table("docs/audit.md", "unseen")
    found = [
        [
            change.name,
            *(
                "found" if by in change.found_by else "\N{EN DASH}"
                for by in (CHAIN, KEY, LOG, NOTE)
            ),
        ]
        for change in UNSEEN
    ]
    assert [row[:5] for row in rows] == found


def test_dependencies_are_all_explained() -> None:
    """docs/dependencies.md says why each package is there, and names no other."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = pyproject["project"], pyproject["dependency-groups"].values()
    needed = {
        re.split(r"[<>=\[]", text)[0]
        for group in (project["dependencies"], *project["optional-dependencies"].values(), *groups)
        for text in group
    } - {"hookgate"}  # an extra that holds another
    rows = re.findall(
        r"^\| ([a-z0-9-]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE
    )
    assert set(rows) - {"package"} == needed


def test_every_verb_is_in_the_readme() -> None:
    """A verb that nobody can find does not exist."""
    readme = (ROOT / "README.md").read_text()
    assert [verb for verb in VERBS if f"`hookgate {verb}" not in readme] == []
