"""Reads one emoji, after Unicode's grammar of emoji sequences (UTS 51), into the one form in which it is stored and counted.

An emoji arrives with or without U+FE0F, which asks for the picture where a character is drawn as text by default: keyboards,
pickers and platforms differ. Stored is the fully qualified form of Unicode's emoji-test.txt: U+FE0F behind each such character
that no skin tone follows, and nowhere else.
"""

import re

_MAX_EMOJI_CHARS = 16  # characters: a family of four with skin tones has 11

# Extended_Pictographic without what no keyboard offers as an emoji, and the letters of flags and skin tones, which have rules of
# their own.
_PICTOGRAPH = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u24c2"
    "\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e\u2611\u2614\u2615\u2618\u261d\u2620\u2622\u2623\u2626\u262a"
    "\u262e\u262f\u2638-\u263a\u2640\u2642\u2648-\u2653\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267e\u267f\u2692-\u2697"
    "\u2699\u269b\u269c\u26a0\u26a1\u26a7\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26ce\u26cf\u26d1\u26d3"
    "\u26d4\u26e9\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728"
    "\u2733\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1\u27b0\u27bf\u2934\u2935\u2b05-"
    "\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f004\U0001f0cf\U0001f170\U0001f171\U0001f17e\U0001f17f"
    "\U0001f18e\U0001f191-\U0001f19a\U0001f201\U0001f202\U0001f21a\U0001f22f\U0001f232-\U0001f23a\U0001f250\U0001f251"
    "\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f7f0\U0001f90c-\U0001f9ff\U0001fa70-\U0001faff]"
)
# Those of them (and the keys of a telephone) that are drawn as text by default: Emoji_Presentation=No.
_TEXT_BY_DEFAULT = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u2328\u23cf\u23ed-\u23ef\u23f1\u23f2\u23f8-\u23fa\u24c2"
    "\u25aa\u25ab\u25b6\u25c0\u25fb\u25fc\u2600-\u2604\u260e\u2611\u2618\u261d\u2620\u2622\u2623\u2626\u262a\u262e\u262f"
    "\u2638-\u263a\u2640\u2642\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267e\u2692\u2694-\u2697\u2699\u269b\u269c\u26a0"
    "\u26a7\u26b0\u26b1\u26c8\u26cf\u26d1\u26d3\u26e9\u26f0\u26f1\u26f4\u26f7-\u26f9\u2702\u2708\u2709\u270c\u270d\u270f"
    "\u2712\u2714\u2716\u271d\u2721\u2733\u2734\u2744\u2747\u2763\u2764\u27a1\u2934\u2935\u2b05-\u2b07\u3030\u303d\u3297"
    "\u3299\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f202\U0001f237\U0001f321\U0001f324-\U0001f32c\U0001f336\U0001f37d"
    "\U0001f396\U0001f397\U0001f399-\U0001f39b\U0001f39e\U0001f39f\U0001f3cb-\U0001f3ce\U0001f3d4-\U0001f3df\U0001f3f3"
    "\U0001f3f5\U0001f3f7\U0001f43f\U0001f441\U0001f4fd\U0001f549\U0001f54a\U0001f56f\U0001f570\U0001f573-\U0001f579"
    "\U0001f587\U0001f58a-\U0001f58d\U0001f590\U0001f5a5\U0001f5a8\U0001f5b1\U0001f5b2\U0001f5bc\U0001f5c2-\U0001f5c4"
    "\U0001f5d1-\U0001f5d3\U0001f5dc-\U0001f5de\U0001f5e1\U0001f5e3\U0001f5e8\U0001f5ef\U0001f5f3\U0001f5fa\U0001f6cb"
    "\U0001f6cd-\U0001f6cf\U0001f6e0-\U0001f6e5\U0001f6e9\U0001f6f0\U0001f6f3"
)
_SKIN_TONE, _ZERO_WIDTH_JOINER, _EMOJI_PRESENTATION = "[\U0001f3fb-\U0001f3ff]", "\u200d", "\ufe0f"
_VARIATION_SELECTOR = re.compile("[\ufe0e\ufe0f]")
_EMOJI_ELEMENT = f"{_PICTOGRAPH}{_SKIN_TONE}?(?:[\U000e0020-\U000e007e]+\U000e007f)?"
_EMOJI = re.compile(
    f"{_EMOJI_ELEMENT}(?:{_ZERO_WIDTH_JOINER}{_EMOJI_ELEMENT})*"
    "|[\U0001f1e6-\U0001f1ff]{2}"  # a flag: the two letters of a country
    "|[0-9#*]\u20e3"  # a key of a telephone
)
_NEEDS_SELECTOR = re.compile(f"([{_TEXT_BY_DEFAULT}](?!{_SKIN_TONE})|[0-9#*](?=\u20e3))")


def fully_qualified(text: str) -> str | None:
    """The emoji that a text is, and nothing else, in the form in which it is stored; None for any other text. Idempotent."""
    if len(text) > 2 * _MAX_EMOJI_CHARS:
        return None
    bare = _VARIATION_SELECTOR.sub("", text.strip())
    if len(bare) > _MAX_EMOJI_CHARS or _EMOJI.fullmatch(bare) is None:
        return None
    return _NEEDS_SELECTOR.sub(rf"\1{_EMOJI_PRESENTATION}", bare)
