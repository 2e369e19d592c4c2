# expected: 3/3
# method: makes a regular expression with named groups of each pattern
import re


def decode(opcode):
    for pattern, form in FORMS.items():
        expression = pattern
        for letters in ("nnn", "kk", "x", "y"):
            if letters in expression:
                expression = expression.replace(
                    letters, f"(?P<{letters}>" + "." * len(letters) + ")"
                )
        if re.match("[0-9A-F]..n$", pattern.replace("xy", "..")) and "nnn" not in pattern:
            expression = expression[:-1] + "(?P<n>.)"
        found = re.fullmatch(expression, "%04X" % opcode)
        if found:
            return form, {name: int(digits, 16) for name, digits in found.groupdict().items()}
    return None
