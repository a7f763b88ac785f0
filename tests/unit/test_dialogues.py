import json

import pytest

from retrieval.dialogues import import_dialogues, read_dialogues
from retrieval.errors import CatalogError

GOOD = {"id": 7, "messages": [{"speaker": "user", "text": "我想看《月球》", "items": ["moon", 42]}]}


def write(path, rows):
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_account_adds_up_and_says_why(tmp_path):
    other = {**GOOD, "id": "8"}
    nobody = {"id": "9", "messages": [{"speaker": "robot", "text": "hi"}]}
    path = write(tmp_path / "d.jsonl", [GOOD, GOOD, nobody, "{broken", other])
    report = import_dialogues(path, tmp_path / "index", {"moon"})
    assert (report.rows, report.kept, report.merged, report.rejected) == (5, 2, 1, 2)
    assert report.rules == {"unknown_item": 2}
    rejected = [json.loads(line) for line in (tmp_path / "index" / "dialogues_rejected.jsonl").read_text().splitlines()]
    assert [entry["line"] for entry in rejected] == [3, 4]
    assert "speaker" in rejected[0]["field"]
    assert [(d.id, d.messages[0].items) for d in read_dialogues(tmp_path / "index")] == [("7", ("moon",)), ("8", ("moon",))]


def test_a_file_without_a_dialogue_replaces_nothing(tmp_path):
    import_dialogues(write(tmp_path / "d.jsonl", [GOOD]), tmp_path, {"moon"})
    with pytest.raises(CatalogError, match=r"bad\.jsonl.*line 1.*messages.*A dialogue is") as error:
        import_dialogues(write(tmp_path / "bad.jsonl", [{"id": "1"}]), tmp_path, {"moon"})
    assert "speaker" in str(error.value)
    assert len(list(read_dialogues(tmp_path))) == 1
    assert not list(tmp_path.glob("*.new"))


def test_without_an_import_there_are_none(tmp_path):
    assert list(read_dialogues(tmp_path)) == []
