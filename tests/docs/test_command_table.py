from docs.command_table import PAGE, table, written

from bentley_sync_async.cli.verbs.registry import all_verbs


def test_the_table_of_commands_is_as_the_script_writes_it():
    text = PAGE.read_text("utf-8")
    assert written(text) == text
    assert table() in text


def test_every_verb_is_in_the_table():
    assert [verb.path for verb in all_verbs() if f"| `{verb.path}` |" not in table()] == []
