"""A statement's words in the idiom of the parser, which does not take all that the servers take.

What is left out or rewritten names no table. `:p0`, `:p1`, ... number the placeholders.
"""

from __future__ import annotations

import re
from itertools import count

BEGINS = r"(?:^|(?<=\) ))"  # of the statement, or behind its CTEs
MODIFIERS = re.compile(
    rf"{BEGINS}(INSERT|REPLACE|UPDATE|DELETE)"
    r"(?: (?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|QUICK|IGNORE|OR \w+))+(?= )"
)
INDEX_HINT = re.compile(
    r" (?:USE|FORCE|IGNORE) (?:INDEX|KEY)(?: FOR (?:JOIN|ORDER BY|GROUP BY))? ?\( [^()]*\)"
)
PORTION = re.compile(
    r" FOR PORTION OF \S+ FROM [^()]+? TO [^()]+?(?= (?:SET|WHERE|ORDER|LIMIT|RETURNING) |$)"
)
REPLACE = re.compile(r"^REPLACE(?: INTO)?(?= )")
# DELETE star.* FROM star is DELETE star FROM star
ALL_ROWS = re.compile(
    rf"{BEGINS}DELETE (?:FROM )?\S+(?: \. \S+)*(?: , \S+(?: \. \S+)*)*(?= (?:FROM|USING) )"
)

# It changes other rows than it names: those that are in its way, or the rest of a period.
REPLACES = re.compile(rf"{BEGINS}(?:(?:INSERT|UPDATE) OR )?REPLACE ")
CHANGES_OTHERS = re.compile(rf"{REPLACES.pattern}| FOR PORTION OF ")
# MariaDB's sequences, which a SELECT moves on, too.
NEXT_VALUE = re.compile(r" NEXT VALUE FOR (\S+)")
SEQUENCE = re.compile(r"\b(?:NEXT VALUE FOR|NEXTVAL\(|SETVAL\() (`?[\w$]+`?)(?! \.)(?= |$)")


def in_its_idiom(text: str) -> str:
    position = count()  # of a placeholder, before any is left out
    text = re.sub(r"(?<= )%s(?= |$)", lambda _: f":p{next(position)}", text)
    text = MODIFIERS.sub(r"\1", text)
    text = INDEX_HINT.sub("", text)
    text = PORTION.sub("", text)
    text = REPLACE.sub("INSERT INTO", _without_returning(text))
    text = ALL_ROWS.sub(lambda match: match[0].replace(" . *", ""), text)
    # Under its own name the parser wants KEY and VALUE in it.
    text = text.replace(" JSON_OBJECT( ", " JSON_OBJECT_( ")
    return NEXT_VALUE.sub(r" NEXTVAL( \1 )", text)


def _without_returning(text: str) -> str:
    """RETURNING comes last, reads only, and is not taken everywhere that MariaDB takes it."""
    if " RETURNING " not in text:
        return text
    depth = 0
    words = text.split(" ")
    for at, word in enumerate(words):
        depth += word.count("(") - word.count(")")
        if word == "RETURNING" and depth == 0:
            return " ".join(words[:at])
    return text


def sequences(text: str) -> frozenset[str]:
    """The sequences that it moves on."""
    return frozenset(name.strip("`").lower() for name in SEQUENCE.findall(text))
