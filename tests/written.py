"""Numbers as the scenes write them, read as a reader does."""

import re

POWER = "·10"
NUMBER = r"−?\d+(?:\.\d+)?(?:·10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?"
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def value(text):
    """Read a number: −0.5, −∞, 2.3·10⁻⁵."""
    mantissa, power, exponent = text.replace("−", "-").replace("∞", "inf").partition(POWER)
    return float(f"{mantissa}e{exponent.translate(_LOWERED)}") if power else float(mantissa)


def for_python(text):
    """Turn every number of a text into one that Python reads, and × and − into its signs."""
    return re.sub(NUMBER, lambda found: repr(value(found[0])), text).replace("×", "*").replace("−", "-")
