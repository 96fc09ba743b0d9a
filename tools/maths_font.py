"""Cut the font of the formulas out of STIX Two Math, which has some five thousand glyphs, and write it beside the player.

    python tools/maths_font.py STIXTwoMath-Regular.woff2

A formula needs a font with a MATH table: without one, browsers set W_hh with its index on the line. The full font
(https://github.com/stipub/stixfonts, SIL Open Font License) is only needed to add characters.
"""

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FONT = Path(__file__).parents[1] / "course_utils" / "stepper" / "maths.woff2"
UPRIGHT = "".join(map(chr, range(0x20, 0x7F)))
GREEK = "αβγδεθλμπρστφψωΓΔΘΛΣΦΨΩ"
# A letter of a formula is shown by its italic twin; that of h has stood elsewhere since before there were the others.
ITALIC = (
    "".join(map(chr, range(0x1D434, 0x1D468)))
    + "ℎ"
    + "".join(chr(0x1D6FC + ord(c) - ord("α")) for c in GREEK[:15])
    + "𝜕"
)
SIGNS = "\u00a0“”’ℒℓ∂∑∏∞≤≥≈≠×·⋅⋯…−←→∗∥‖⊙∈√±′∣|⟨⟩⌊⌋∘¬∖∅⊤∝"


def cut(source: str) -> None:
    """Write the characters above, with what the MATH table needs to stretch them."""
    options = Options(
        flavor="woff2", layout_features=["ssty"], hinting=False, notdef_outline=True, drop_tables=["GPOS", "GDEF"]
    )
    font = TTFont(source, recalcTimestamp=False)
    subsetter = Subsetter(options)
    subsetter.populate(text=UPRIGHT + GREEK + ITALIC + SIGNS)
    subsetter.subset(font)
    font.flavor = "woff2"
    font.save(FONT)


if __name__ == "__main__":
    cut(sys.argv[1])
