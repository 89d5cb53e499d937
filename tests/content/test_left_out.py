"""What an import leaves out is said once for each kind, in bounded memory, and never silently."""

from content.imports.left_out import MAX_MESSAGES, LeftOut


def test_each_message_is_kept_once_with_its_first_row() -> None:
    left_out = LeftOut()
    for row, message in ((3, "a"), (4, "b"), (5, "a")):
        left_out.add(row, message)
    assert left_out.messages() == [(3, "a"), (4, "b")]


def test_of_more_messages_than_are_kept_it_is_said_that_there_are_more() -> None:
    left_out = LeftOut()
    for row in range(MAX_MESSAGES + 500):
        left_out.add(row, f"message {row}")
    kept = left_out.messages()
    assert kept[:MAX_MESSAGES] == [(row, f"message {row}") for row in range(MAX_MESSAGES)]
    assert kept[MAX_MESSAGES:] == [(MAX_MESSAGES, "More than this is left out or changed.")]
