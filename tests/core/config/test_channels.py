"""The tables that say by which channels alarms are told."""

from pathlib import Path

import pytest

from hookgate.alarm_settings import ChannelKind, ChannelSettings, Stdin
from hookgate.alarms.notice import Severity
from hookgate.config.build import load
from hookgate.config.keys import CHANNEL_KEYS
from support.problems import MINIMAL, URL, problems, write

CHANNEL = "[[alarm.channel]]\n"
CANARY = "canary5ecret"


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_channels_are_read_in_their_order() -> None:
    """By its kind each is named and told of everything, unless it says otherwise."""
    text = (
        f"{CHANNEL}kind = 'slack'\nurl = 'https://hooks.example.com/x'\n"
        f"{CHANNEL}kind = 'ntfy'\nname = 'phone'\nseverity = 'critical'\nurl_file = 'a'\n"
        "token_file = 'b'\nproxy = 'http://proxy.example.com:3128/'\nca_file = 'c'\n"
        f"{CHANNEL}kind = 'command'\ncommand = ['/bin/tell', 'now']\nstdin = 'json'\n"
    )
    assert load(write(MINIMAL + text), None, {}).channels == (
        ChannelSettings("slack", ChannelKind.SLACK, "warning", "https://hooks.example.com/x"),
        ChannelSettings(
            "phone", ChannelKind.NTFY, "critical", url_file="a", token_file="b",
            proxy="http://proxy.example.com:3128", ca_file="c",
        ),
        ChannelSettings("command", ChannelKind.COMMAND, "warning", command=("/bin/tell", "now"),
                        stdin=Stdin.JSON),
    )  # fmt: skip


def test_without_a_table_there_is_none() -> None:
    """As before."""
    assert load(None, URL, {}).channels == ()


def test_severities_are_those_of_notices() -> None:
    """The key takes each of them, the least severe being the default."""
    assert [str(CHANNEL_KEYS["severity"][0](each)) for each in Severity] == list(Severity)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", ['kind is missing; write it like "slack"']),
        ("kind = 'Slack'", ['kind = "Slack" is none of "json", "slack"']),
        ("kind = 'slack'", ["url and url_file are missing; write one of them"]),
        ("kind = 'slack'\nurl = ''", ["url and url_file are missing; write one of them"]),
        ("kind = 'slack'\nurl = 'https://h/'\nurl_file = 'x'", ["url and url_file are both there"]),
        ("kind = 'slack'\nurl = 5", ['url is no text; write it like "https://..."']),
        ("kind = 'slack'\nurl_file = 'x'\nhook = 1", ["hook is no key; "]),
        ("kind = 'slack'\nurl_file = 'x'\ntokenfile = 'y'", ["did you mean token_file?"]),
        ("kind = 'slack'\nurl_file = 'x'\ntoken_file = 'y'",
         ["token_file is of no use to slack, but to json, ntfy, alertmanager; leave it out"]),
        ("kind = 'slack'\nurl_file = 'x'\nname = 'on call'", ['name = "on call" is no name']),
        ("kind = 'slack'\nurl_file = 'x'\nseverity = 'info'",
         ['severity = "info" is none of "warning", "critical"']),
        ("kind = 'slack'\nurl_file = 'x'\nproxy = 'proxy:3128'",
         ['proxy = "proxy:3128" is no http or https URL of a proxy']),
        ("kind = 'slack'\nurl_file = 'x'\nproxy = 'http://user:canary5ecret@p:1'",
         ["has a user or a password, which are not sent to a proxy"]),
        ("kind = 'command'", ['command is missing; write it like ["/usr/local/bin/tell"]']),
        ("kind = 'command'\ncommand = '/bin/x canary5ecret'",
         ['command = "/bin/x" is no list; write ["/path/of/a/program"']),
        ("kind = 'command'\ncommand = []", ["command does not begin with an absolute path"]),
        ("kind = 'command'\ncommand = ['tell', 'canary5ecret']",
         ['command = "tell" does not begin with an absolute path']),
        ('kind = "command"\ncommand = ["/bin/x", "a\\u007f"]', ["control character"]),
        ("kind = 'command'\ncommand = ['/bin/x', 7, 'canary5ecret']",
         ['command = "/bin/x" holds what is no text; write each argument in quotes']),
        ("kind = 'command'\ncommand = [['/bin/x', 'canary5ecret']]", ["command holds what is no"]),
        ("kind = 'command'\ncommand = [{ token = 'canary5ecret' }]", ["command holds what is no"]),
        ("kind = 'command'\ncommand = { token = 'canary5ecret' }", ["command is no list; write"]),
        ("kind = 'command'\ncommand = ''", ["command is no list; write"]),
        ("kind = 'command'\ncommand = ['/bin/x']\nstdin = 'yaml'", ['stdin = "yaml" is none of']),
        ("kind = 'command'\ncommand = ['/bin/x']\nurl = 'https://h/canary5ecret'",
         ["url is of no use to command, but to json, slack, ntfy, alertmanager; leave it out"]),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(table: str, said: list[str]) -> None:
    """Every problem at once, with the channel, the key, the value and a mend."""
    found = problems(write(CHANNEL + table))
    assert len(found) == len(said)
    for line, words in zip(found, said, strict=True):
        assert line.startswith("hookgate.toml: alarm.channel 1: ")
        assert words in line
        assert CANARY not in line


URLS = [
    ("slack", f"hooks.example.com/{CANARY}", "url is no http or https URL"),
    ("slack", f"ftp://hooks.example.com/{CANARY}", 'url = "ftp://hooks.example.com***" is no http'),
    ("slack", f"https://hooks.example.com/{CANARY}#x", "is no http or https URL"),
    ("slack", f"https://hooks.example.com/{CANARY} x", "of visible ASCII"),
    ("slack", f"https://hooks.example.com/{CANARY}\\\\u0000", "of visible ASCII"),
    ("slack", f"https://hooks.example.com:0/{CANARY}", "is no http or https URL"),
    ("slack", f"https://hooks.example.com:99999/{CANARY}", "is no http or https URL"),
    ("slack", f"https:///{CANARY}", "is no http or https URL"),
    ("slack", f"https://[::1/{CANARY}", "is no http or https URL"),
    ("slack", f"https://{CANARY}@hooks.example.com/x", "has a user without a password"),
    ("slack", f"https://x:{CANARY}/y@hooks.example.com/x", "is no http or https URL"),
    ("ntfy", f"https://ntfy.example.com/a/{CANARY}", "does not end in a topic of ntfy"),
    ("ntfy", "https://ntfy.example.com/", "does not end in a topic of ntfy"),
    ("ntfy", f"https://ntfy.example.com/a?{CANARY}", "does not end in a topic of ntfy"),
    ("alertmanager", f"http://127.0.0.1:9093/?{CANARY}", "has a query"),
]


@pytest.mark.parametrize(("kind", "url", "said"), URLS)
def test_a_url_that_cannot_be_used_is_named_and_not_shown(kind: str, url: str, said: str) -> None:
    """But for its host, where it has one; with how it is written."""
    (line,) = problems(write(f'{CHANNEL}kind = "{kind}"\nurl = "{url}"\n'))
    assert said in line
    assert 'write it like "http' in line
    assert CANARY not in line


def test_two_channels_of_one_name_are_told_apart() -> None:
    """What waits for one would be told to the other; what is offered loads."""
    two = 2 * f"{CHANNEL}kind = 'slack'\nurl_file = 'x'\n"
    (line,) = problems(write(two))
    assert line.endswith(
        'alarm.channel 2: the name "slack" is that of alarm.channel 1; give it another, like '
        'name = "slack-2"'
    )
    load(write(MINIMAL + two + 'name = "slack-2"\n'), None, {})


@pytest.mark.parametrize(
    ("names", "offered"),
    [(["a", "a", "a-2"], "a-3"), (["a" * 64] * 2, "a" * 58 + "-2"), (["a-2", "a", "a"], "a-3")],
)
def test_a_name_that_is_offered_is_free(names: list[str], offered: str) -> None:
    """Whichever others have, and however long it is."""
    tables = [f"{CHANNEL}kind = 'slack'\nurl_file = 'x'\nname = '{name}'\n" for name in names]
    (line,) = problems(write("".join(tables)))
    assert line.endswith(f'like name = "{offered}"')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[alarm.channel]\nkind = 'slack'", "alarm.channel is a list of tables; write [[alarm."),
        (
            "[alarm]\nchannel = 'slack'",
            "alarm.channel is a list of tables; write [[alarm.channel]]",
        ),
        ("[[channel]]\nkind = 'slack'", "[channel] is no section; write [[alarm.channel]]"),
        ("[[channels]]\nkind = 'slack'", "[channels] is no section; write [[alarm.channel]]"),
    ],
)
def test_a_channel_in_the_wrong_place_is_shown_the_right_one(text: str, said: str) -> None:
    """As it is written."""
    (line,) = problems(write(text + "\n"))
    assert said in line


def test_the_gate_reads_none_of_the_files() -> None:
    """They are the watcher's: what is wrong with them stops no event."""
    text = f"{CHANNEL}kind = 'ntfy'\nurl_file = 'no'\ntoken_file = 'no'\nca_file = 'no'\n"
    assert load(write(MINIMAL + text), None, {}).channels[0].url == ""


def test_another_url_is_another_configuration() -> None:
    """Its digest shows, and nothing of the URL does."""
    one, other = (
        load(write(f"{MINIMAL}{CHANNEL}kind = 'slack'\nurl = 'https://h/{end}'\n"), None, {})
        for end in (CANARY, "x")
    )
    assert one.digest != other.digest
    assert CANARY not in repr(one)
