"""The alert rules and the dashboard ask for what a running sidecar tells."""

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from hookgate.ledger.shipping import Shipping, write_shipping
from support.admin import ON, Admin
from support.events import CLEAN
from support.kept import PUBLIC
from support.pair import paired
from support.promtool import promtool
from support.raw import ask, post, wait_until

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "sidecar/deploy"
GROUPS: dict[str, Any] = yaml.safe_load((DEPLOY / "alerts.yml").read_text())
ALERTS = [rule for group in GROUPS["groups"] for rule in group["rules"]]
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PLAYED = ("alerts.test.yml", "silence.test.yml")

_METRIC = re.compile(r"\b(?:hookgate|process)_\w+|\bup\b")
_STRING = re.compile(r'"[^"]*"')
_MATCHED = re.compile(r"(\w+) *(?:=~|!~|!=|=)")
_GROUPED = re.compile(r"\b(?:by|without|on|ignoring) *\(([^)]*)\)")
_SHOWN = re.compile(r"\{\{ *(?:\$labels\.)?(\w+) *\}\}")


def queries() -> list[tuple[str, str, str]]:
    """Name, PromQL, and the texts that name labels of what it returns."""
    return [
        *((rule["alert"], rule["expr"], " ".join(rule["annotations"].values())) for rule in ALERTS),
        *(
            (panel["title"], target["expr"], target.get("legendFormat", ""))
            for panel in PANELS
            for target in panel["targets"]
        ),
        *(
            (note["name"], note["expr"], note["titleFormat"] + note["textFormat"])
            for note in DASHBOARD["annotations"]["list"]
        ),
        *(
            (variable["name"], *_values_of(variable["definition"]))
            for variable in DASHBOARD["templating"]["list"]
            if variable["type"] == "query"
        ),
    ]


def _values_of(definition: str) -> tuple[str, str]:
    metric, label = definition.removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
    return metric, "{{" + label + "}}"


QUERIES = queries()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Each metric of a running sidecar with its labels, and those that Prometheus adds."""
    scraped = {"job", "instance"}
    found: dict[str, set[str]] = defaultdict(set)
    found["up"] |= scraped
    folder = tmp_path_factory.mktemp("metrics")
    keys = {"quarantine.path": str(folder / "quarantine"), "quarantine.recipients": PUBLIC}
    write_shipping(folder / "audit.shipping", Shipping(1.0, "a", 7, False, "", None, 0, 0, 0, 0, 0))
    with paired(folder, **ON, **keys) as pair:
        admin = Admin(pair.gate)
        ask(pair.gate.port, post(CLEAN))
        looked = "hookgate_quarantine_items"
        assert wait_until(lambda: looked in {sample.name for sample in admin.samples()})
        for sample in admin.samples():
            found[sample.name] |= {*sample.labels, *scraped}
    return found


@pytest.mark.parametrize(("name", "query", "shown"), QUERIES, ids=[name for name, *_ in QUERIES])
def test_a_query_names_what_exists(
    name: str, query: str, shown: str, told: dict[str, set[str]]
) -> None:
    """Every metric is told, and has the labels that it is selected, grouped and shown by."""
    bare = _STRING.sub('""', query)
    metrics = set(_METRIC.findall(bare))
    assert metrics
    assert metrics <= told.keys()
    labels = set.union(*(told[metric] for metric in metrics))
    for selected, matchers in re.findall(r"(\w+)\{([^}]*)\}", bare):
        assert set(_MATCHED.findall(matchers)) <= told[selected], (name, selected)
    grouped = {label.strip() for group in _GROUPED.findall(bare) for label in group.split(",")}
    assert grouped <= labels
    assert set(_SHOWN.findall(shown)) <= labels


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    """A severity, a summary, a description, and a place in the documentation that exists."""
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor == rule["alert"].lower()
    assert rule["alert"] in headings


def test_every_runbook_is_of_an_alert() -> None:
    """In the order of the rules."""
    page = (ROOT / "docs/metrics.md").read_text()
    assert re.findall(r"^### (\w+)$", page, re.MULTILINE) == [rule["alert"] for rule in ALERTS]


def test_every_alert_is_played() -> None:
    """Each both where it fires and where it does not."""
    fires: dict[str, set[bool]] = defaultdict(set)
    for name in PLAYED:
        for test in yaml.safe_load((Path(__file__).parent / name).read_text())["tests"]:
            for step in test["promql_expr_test"]:
                alert = re.findall(r'alertname="(\w+)"', step["expr"])[0]
                fires[alert].add("exp_samples" in step)
    assert set(fires) == {rule["alert"] for rule in ALERTS}
    for alert, found in fires.items():
        assert found == {True, False}, alert


def agrees(*arguments: str) -> None:
    """Prometheus' own tool is content."""
    done = subprocess.run(
        [promtool(), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_prometheus_reads_the_rules() -> None:
    """As they are shipped."""
    agrees("check", "rules", str(DEPLOY / "alerts.yml"))


@pytest.mark.parametrize("name", PLAYED)
def test_they_fire_where_they_should(name: str, tmp_path: Path) -> None:
    """Without the rules that the file does not ask for, which would be evaluated all the same."""
    played = yaml.safe_load((Path(__file__).parent / name).read_text())
    asked = str([test["promql_expr_test"] for test in played["tests"]])
    rules = [rule for rule in ALERTS if f'alertname="{rule["alert"]}"' in asked]
    (tmp_path / "rules.yml").write_text(yaml.dump({"groups": [{"name": "asked", "rules": rules}]}))
    (tmp_path / name).write_text(yaml.dump({**played, "rule_files": ["rules.yml"]}))
    agrees("test", "rules", str(tmp_path / name))


def test_prometheus_reads_every_query_of_the_dashboard(tmp_path: Path) -> None:
    """As recording rules, with Grafana's variables filled in."""
    rules = [
        {"record": f"q{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, (_, query, _) in enumerate(QUERIES)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "q", "rules": rules}]}))
    agrees("check", "rules", str(file))


def test_the_dashboard_can_be_imported_anywhere() -> None:
    """Its data source is a variable, and its panels have names, ids and places of their own."""
    assert [v["name"] for v in DASHBOARD["templating"]["list"]] == ["datasource", "job", "instance"]
    sources = [panel["datasource"] for panel in PANELS]
    sources += [target["datasource"] for panel in PANELS for target in panel["targets"]]
    assert {source["uid"] for source in sources} == {"${datasource}"}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert all(x < 24 for x, _ in cells)
        taken |= cells
    assert all(panel["title"] and panel["description"] for panel in PANELS)


def test_the_dashboard_shows_every_metric_that_an_alert_is_about() -> None:
    """Whoever is woken finds it there."""
    shown = {m for panel in PANELS for t in panel["targets"] for m in _METRIC.findall(t["expr"])}
    asked = {metric for rule in ALERTS for metric in _METRIC.findall(_STRING.sub("", rule["expr"]))}
    assert asked - {"up"} <= shown
