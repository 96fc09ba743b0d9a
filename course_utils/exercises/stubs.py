"""Telling an answer that nobody has begun from one that fails."""

import dis
from collections.abc import Callable

_SAYS_NOTHING = {"RESUME", "NOP", "CACHE", "PUSH_NULL", "PRECALL", "CALL", "POP_TOP", "RETURN_VALUE", "RETURN_CONST"}
_RAISES = {"RAISE_VARARGS"}
_CONSTANTS = {"LOAD_CONST", "RETURN_CONST"}


def is_stub(answer: Callable) -> bool:
    """Whether a function does nothing but to raise NotImplementedError, to return ..., or to end.

    One that raises NotImplementedError in one of its branches has been begun, and so has ``lambda: None``.
    """
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    steps = list(dis.get_instructions(code))
    raises = any(step.opname in _RAISES for step in steps)
    constants = [step.argval for step in steps if step.opname in _CONSTANTS]
    for step in steps:
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_COMMON_CONSTANT"):
            if "NotImplementedError" not in step.argrepr:
                return False
        elif step.opname not in _SAYS_NOTHING | _RAISES | _CONSTANTS:
            return False
    if raises:
        return True
    return all(c is ... for c in constants) or (code.co_name != "<lambda>" and all(c in (None, ...) for c in constants))
