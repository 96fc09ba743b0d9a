"""Numbers, words and formulas as scenes write them."""

import re
from functools import lru_cache
from html import escape

_HIDING_PLACE = 0xE000  # characters for private use, which no formula has
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-3, 1e6  # outside, a number is written with its power of ten
_RAISED, _LOWERED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"), str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_HIDDEN = re.compile(f"[{chr(_HIDING_PLACE)}-{chr(_HIDING_PLACE + 0x7F)}]")


def latex_text(words: str) -> str:
    """Put words into a formula as they are, also those with a meaning in LaTeX or in markup, such as % or <."""
    hidden = (c if c.isalnum() or not c.isascii() else chr(_HIDING_PLACE + ord(c)) for c in words)
    return rf"\text{{{''.join(hidden)}}}"


@lru_cache(maxsize=20_000)
def mathml(latex: str) -> str:
    """Turn LaTeX into presentation MathML; an empty string stays empty.

    Every equals sign but the first starts a formula of its own, because a browser breaks lines between formulas
    only, and a phone is narrow.
    """
    if not latex:
        return ""
    left, *sides = latex.split(" = ")
    first = " = ".join([left, *sides[:1]])
    return " ".join(_mathml(part) for part in (first, *(f"= {side}" for side in sides[1:])))


def _mathml(latex: str) -> str:
    from latex2mathml.converter import convert

    markup = re.sub(r"&#x0*([0-9A-Fa-f]+);", lambda code: escape(chr(int(code[1], 16)), quote=False), convert(latex))
    markup = _HIDDEN.sub(lambda hidden: escape(chr(ord(hidden[0]) - _HIDING_PLACE)), markup)
    markup = markup.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "").replace(' display="inline"', "")
    markup = re.sub(r"<mrow>(<(m[ino])>[^<]*</\2>)</mrow>", r"\1", markup)
    return re.sub(r"(<mi>ln</mi>)(?=<m[nis])", r'\1<mspace width="0.17em"/>', markup)


def number(value: float, digits: int = 4) -> str:
    """Format a number for reading: so many significant digits, a power of ten below 0.001, a true minus sign."""
    if value == 0:
        return "0"
    if value == float("-inf"):
        return "−∞"
    value = float(f"{value:.14g}")  # so that rounding in the last places does not decide where a number is half-way
    if not SMALLEST_PLAIN <= abs(value) < LARGEST_PLAIN:
        return power_of_ten(value, digits - 2)
    text = f"{value:.{digits}g}"
    while float(text) == 1 != value and digits < 12:  # nearly certain is not certain
        digits += 1
        text = f"{value:.{digits}g}"
    if "e" in text:
        text = f"{value:.0f}"
    return text.replace("-", "−")


def log_number(value: float, decimals: int = 3) -> str:
    """Format a log-probability for reading: fixed decimals, a true minus sign."""
    if value == float("-inf"):
        return "−∞"
    if value == 0:
        return f"{0:.{decimals}f}"
    if not round(value, decimals):  # nearly zero is not zero
        return power_of_ten(value, 0)
    return f"{value:.{decimals}f}".replace("-", "−")


def power_of_ten(value: float, decimals: int) -> str:
    """Write a number with its power of ten, such as 2.3·10⁻⁵."""
    mantissa, exponent = f"{value:.{decimals}e}".split("e")
    return with_exponent(float(mantissa), int(exponent))


def with_exponent(mantissa: float, exponent: int) -> str:
    """Write a number as mantissa and exponent, of which it may have more than a float can: 2.3·10⁻⁵⁰⁰."""
    return f"{mantissa:g}·10{raised(exponent)}".replace("-", "−")


def raised(exponent: int) -> str:
    """Write a whole number as an exponent: ⁻¹²."""
    return str(exponent).translate(_RAISED)


def decade(exponent: int) -> str:
    """Write a power of ten for an axis: in full from 0.001 to 1000."""
    return number(10.0**exponent, 1) if -3 <= exponent <= 3 else f"10{raised(exponent)}"


def latex_number(text: str) -> str:
    """Turn what :func:`number` or :func:`log_number` wrote into LaTeX."""
    text = text.replace("−", "-").replace("∞", r"\infty ")
    mantissa, power, exponent = text.partition("·10")
    return rf"{mantissa} \cdot 10^{{{exponent.translate(_LOWERED)}}}" if power else text


def plural(count: int, word: str) -> str:
    """Count things: 1 frame, 2 frames."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
