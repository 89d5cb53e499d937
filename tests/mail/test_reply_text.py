"""What is found in replies by mail, of many mail programs; and that none of it takes long, whatever is sent."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mail.reply_text import MARKER, reply_text, text_of_html

LAWS = settings(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
QUOTE = f"> {MARKER}.\n>\n> Ada commented on ENG-42 Ship it\n"


@pytest.mark.parametrize(
    ("mail", "written"),
    [
        (f"Yes.\n\nOn Mon, 2 Mar 2026 at 10:00, PantheraHive <hive@example.com> wrote:\n{QUOTE}", "Yes."),
        (f"Yes.\n\nOn Mon, 2 Mar 2026 at 10:00, PantheraHive\n<hive@example.com> wrote:\n\n{QUOTE}", "Yes."),
        (f"Ja.\n\nAm 02.03.26 um 10:00 schrieb PantheraHive:\n{QUOTE}", "Ja."),
        (f"Oui.\r\n\r\nLe 2 mars 2026 à 10:00, PantheraHive <hive@example.com> a écrit :\r\n{QUOTE}", "Oui."),
        (f"はい。\n\n2026年3月2日 10:00 PantheraHive <hive@example.com>：\n{QUOTE}", "はい。"),
        (f"Yes.\n\n-----Original Message-----\nFrom: PantheraHive\n{MARKER}", "Yes."),
        ("Yes.\n\n________________________________\nFrom: PantheraHive\nSent: Monday", "Yes."),
        (f"Yes.\n{MARKER}.\nAda commented", "Yes."),
        ("Yes.\n\n-- \nAda Lovelace\nAnalyst", "Yes."),
        ("Yes.\n\nSent from my iPhone", "Yes."),
        (f"Yes.\n\nVon meinem iPhone gesendet\n\n{QUOTE}", "Yes."),
        ("> Shall we?\n\nYes, we shall.\n\n> When?\n\nToday.", "Yes, we shall.\n\n\nToday."),
        ("Do these:\n- one\n- two", "Do these:\n- one\n- two"),
        (f"Do this today at 10:\n\n{QUOTE}", ""),  # a line that introduces what is quoted, as far as anybody can tell
        ("The answer is:\n42", "The answer is:\n42"),
        (QUOTE, ""),
        ("", ""),
    ],
)
def test_what_was_written_is_found(mail: str, written: str) -> None:
    assert reply_text(mail) == written


def test_the_text_of_html_leaves_quotations_out() -> None:
    html = (
        "<html><head><style>p { color: red }</style></head><body><p>Yes &amp; <b>no</b>.</p><div>Second</div>"
        f"<div>On Monday PantheraHive &lt;hive@example.com&gt; wrote:<blockquote><p>{MARKER}.</p></blockquote></div></body></html>"
    )
    assert reply_text(text_of_html(html)).split("\n")[0] == "Yes &no."
    assert "Second" in reply_text(text_of_html(html))
    assert MARKER not in text_of_html(html)


@LAWS
@given(st.text(max_size=500), st.text(max_size=500))
def test_nothing_below_the_marker_is_written(above: str, below: str) -> None:
    assert reply_text(f"{above}\n{MARKER}\n{below}") == reply_text(f"{above}\n{MARKER}")


@LAWS
@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n>-_:", categories=["L", "N"]), min_size=1, max_size=40), max_size=20)
)
def test_what_has_no_quotation_and_no_signature_stays(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert reply_text(text) == text.strip("\n")


@pytest.mark.parametrize("unit", ["> ", "-", "_", "a:\n", "\n", "<div>", "<blockquote>", "</p>", "&", "On 1 <", "--\n"])
def test_a_text_of_any_shape_is_read_in_time(unit: str) -> None:
    text = unit * (2**20 // len(unit))
    began = time.process_time()
    reply_text(text)
    text_of_html(text)
    assert time.process_time() - began < 5
