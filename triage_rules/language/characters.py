"""Characters that free text writes in many ways: apostrophes, hyphens and slashes, and what no reader sees.

The standard is Unicode 15.1: the general categories, and the property Default_Ignorable_Code_Point.
"""

from __future__ import annotations

APOSTROPHES = (
    "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u0374\u0384\u055a\u05f3\u07f4\u07f5\u1fbd\u1fbf\u1fef\u1ffd\u1ffe"
    "\u2018\u2019\u201a\u201b\u2032\u2035\u275b\u275c\ua78b\ua78c\uff07\uff40"
)
"""Characters that people and keyboards use as an apostrophe."""

HYPHENS = (
    "-\u02d7\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u207b\u208b\u2212\u2796\u2e17\u2e1a"
    "\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead"
    "/\\\u2044\u2215\u2216\u2571\u29f5\u29f8\u29f9\ufe68\uff0f\uff3c"
)
"""Hyphens, dashes, minus signs and slashes: they separate words as a blank does."""

INVISIBLE_RANGES = (
    (0x00, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x488, 0x489),
    (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2), (0x115F, 0x1160),
    (0x17B4, 0x17B5), (0x180B, 0x180F), (0x1ABE, 0x1ABE), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
    (0x20DD, 0x20E0), (0x20E2, 0x20E4), (0x2800, 0x2800), (0x3164, 0x3164), (0xA670, 0xA672), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFD), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""First and last code point of each range of control and format characters, joiners, selectors, tags and fillers.

The replacement character U+FFFD, which stands for a lost character, and the empty Braille pattern are among them.
"""
