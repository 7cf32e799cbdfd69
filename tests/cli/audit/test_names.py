"""`hookgate audit fate --file`: lists of events, as whoever has them can export them."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hookgate_cli.audit.names import read_names
from support.calling import Call
from support.lines import delivery, start, write

NAMES = ["first", "third", "lost"]

LISTS = {
    "one a line": "first\n\nthird\r\n  lost \n",
    "old Macintosh": "first\rthird\rlost",
    "quoted": "\"first\"\n'third'\nlost\n",
    "JSON array": '["first", "third", "lost"]',
    "JSON array, printed": '[\n  "first",\n  "third",\n  "lost"\n]\n',
    "array of objects": '[{"reference":"first"},{"reference":"third","event":{}},'
    '{"event":{"reference":"lost"}}]',
    "object of an array": '{"references": ["first", "third", "lost"]}',
    "JSON Lines": '{"reference":"first"}\n{"Reference":"third","event":{}}\n'
    '{"event":{"reference":"lost"}}\n',
    "objects, printed": '{\n "reference": "first"\n}\n{\n "event_reference": "third"\n}\n'
    '{"sha256": "lost"}',
    "arrays in lines": '["first"]\n["third", "lost"]\n',
    "numbers": '[{"reference": "first"}, "third", {"request_id": "lost"}]',
    "CSV": 'time,Reference\n1,first\n2,"third"\n3,lost\n4,\n',
    "CSV, all quoted": '"time","Reference"\n"a, b","first"\n"two\nlines","third"\n"3","lost"\n',
    "semicolons": "reference;time\nfirst;1\nthird;2\nlost;3\n",
    "tabs": "time\tEvent Reference\n1\tfirst\n2\tthird\n3\tlost\n",
    "bars": "request_id|x\nfirst|1\nthird|2\nlost|3\n",
    "a column": "SHA-256\nfirst\nthird\nlost\n",
    "the best column": "sha256,request_id,reference\na,b,first\nc,d,third\ne,f,lost\n",
    "a body of mails": '[{"MailID":"first"},{"MailID":"third","EventType":"x"},{"MailID":"lost"}]',
    "payments": '{"payment":"first"}\n{"reference":"third","payment":"x"}\n{"payment":"lost"}\n',
    "mails": "MailID,EventType\nfirst,Sent\nthird,Sent\nlost,Sent\n",
    "ledger lines": '{"event":"delivery","reference":"first"}\n'
    '{"event":"delivery","reference":"third","sha256":"x"}\n'
    '{"event":"delivery","reference":null,"event_reference":"lost"}\n',
}  # fmt: skip


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_list_comes_in_many_forms(tmp_path: Path, text: str, encoding: str, ends: str) -> None:
    """In every encoding that PowerShell and spreadsheets write."""
    list_ = tmp_path / "list"
    list_.write_bytes(text.replace("\r\n", "\n").replace("\n", ends).encode(encoding))
    assert read_names(str(list_)) == NAMES


def test_digits_are_a_name(tmp_path: Path) -> None:
    """As the ledger records them: as text."""
    (tmp_path / "list").write_text('[12, {"reference": 34}]\n')
    assert read_names(str(tmp_path / "list")) == ["12", "34"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "list:1 is no JSON"),
        ('["a",\n "b"', "list:2 is no JSON"),
        ("['a', 'b']", "list:1 is no JSON"),
        ('{"reference":"a"}\n{"reference":\n', "is no JSON"),
        ("{}", 'list:1 has no "reference"'),
        ('{"reference":"a"}\n{"name":"b"}', 'list:2 has no "reference"'),
        ('["a", 5.5]', "list:1, item 2, is neither a text"),
        ('["a", null]', "list:1, item 2, is neither a text"),
        ('["a", {"x": 1, "y": 2}]', 'list:1, item 2, has no "reference"'),
        ('[["a"]]', "list:1, item 1, is neither a text"),
        ('a\n"b",\n', "list:2 is no name of an event: a part of JSON"),
        ('a\n  "reference": "b"\n', "list:2 is no name of an event: a part of JSON"),
        ("a\n]\n", "list:2 is no name of an event: a part of JSON"),
        ("a\n<td>b</td>\n", "list:2 is no name of an event: XML or HTML"),
        ("- a\n- b\n", "list:1 is no name of an event: an item of a list"),
        ("# of May\na\n", "list:1 is no name of an event: a comment"),
        ("reference: a\n", "list:1 is no name of an event: a name with a value"),
        ("a\nb\x00c\n", "list:2 is no name of an event: text with control characters"),
        ("a\n" + "b" * 2000, "list:2 is no name of an event: longer than any name"),
        ("time,name\n1,a\n", "list:1 has 2 columns, and none is called reference"),
        ("a,b,c\n", "list:1 has 3 columns, and none is called reference"),
        ("reference,time\na,1\nb,2,3\n", "list:3 has 3 cells, and the header 2"),
        ('reference,time\na,1\n"b,2\n', "list:3 is no row of the table"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused_with_its_line_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    """Asked for as it stands it would be "never seen"."""
    (tmp_path / "list").write_text(text)
    with pytest.raises(SystemExit) as ended:
        read_names(str(tmp_path / "list"))
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a\nt\xe9te\n", "list:2 is no UTF-8"),
        (b"PK\x03\x04...", "an archive or a spreadsheet: save the list as CSV"),
        (b"\xff\xfea\0\0", "is no UTF-16"),
    ],
)
def test_bytes_that_are_no_text_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, words: str
) -> None:
    (tmp_path / "list").write_bytes(data)
    with pytest.raises(SystemExit):
        read_names(str(tmp_path / "list"))
    assert words in capsys.readouterr().err


def test_a_list_on_standard_input_is_asked_for(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a query that prints JSON, through a pipe."""
    write(Path("hookgate-audit.jsonl"), start(), delivery(1, reference="first"))
    stdin = SimpleNamespace(buffer=io.BytesIO(b'["first"]'), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stdin)
    result = call("audit", "fate", "--file", "-", "--json")
    assert json.loads(result.out.splitlines()[0])["fate"] == "delivered"
