"""The words of a SQL statement, as the server takes them apart.

All that is read off a statement is read off these words, so where a quoted text or a comment ends
must not be a matter of opinion. What two servers, or two settings of one, would take apart
differently is Unreadable: a quote behind a backslash, a comment that MySQL runs, a placeholder
inside of quotes, a character that has no business outside of them.

In the answer words are apart by one space and hold none, and those that were bare are upper case,
so that plain regular expressions work on it. A parenthesis belongs to the word before it where
nothing stands between them, as in a call. Runs of values (the rows of an INSERT, a long IN list,
the cases of a bulk_update) are cut short to one, so that statements that differ only in how many
there are come out the same.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

# No possessive quantifier stands behind a group: before Python 3.11.5 it can take a character too
# many where the group fails halfway. An atomic group does the same, and right.
SPACE = r"[ \t\n\r\f\v]"
CHARSETS = "binary|utf8mb4|utf8mb3|utf8|latin1|ascii|ucs2|utf16|utf16le|utf32"

# By vendor: what is passed over, and words that begin with a sign. The driver fills in placeholders
# within comments, too, so {any} is there any character but a single %.
GRAMMAR = {
    "mysql": (
        r"/\*(?!M?!|\+)(?>(?:{any}|\*(?!/))*)\*/|(?:--(?=[\x00-\x20]|\Z)|\#)(?:{any}|\*)*?(?=\n|\Z)"
        # Of which character set a text is: it stands before the text, or where one will be.
        rf"|(?i:_(?:{CHARSETS}){SPACE}*+(?=['%]|x'|b'|0x)|n(?='))",
        r"`(?>(?:[^`]++|``)+)`|'(?>(?:[^'\\]++|''|\\[^'\"])*)'|\"(?>(?:[^\"\\]++|\"\"|\\[^'\"])*)\""
        r"|/\*\+.*?\*/|/\*|--(?=[\x00-\x20]|\Z)|@@?[\w.$]+",
    ),
    "sqlite": (
        r"/\*(?>(?:{any}|\*(?!/))*)(?:\*/|\Z)|--(?:{any}|\*)*?(?=\n|\Z)",
        r"\"(?>(?:[^\"]++|\"\")*)\"|'(?>(?:[^']++|'')*)'|`(?>(?:[^`]++|``)+)`|\[[^\]]+\]|/\*|--",
    ),
}
NUMBERS = r"(?:0[xX][0-9A-Fa-f]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w$])"
SIGNS = r"<=>|<=|>=|<>|!=|==|<<|>>|&&|\|\||->>|->|:=|[-+*/^&|~!<>=(),.;]"

# Runs, as Django writes them. A word may begin where they do, so no quotes are open there.
VALUE = r"(?:%s|NULL|DEFAULT|_binary %s|\d++(?:\.\d++)?)"
NAME = r"(?:(?:`[\w$]++`|\"[\w$]++\")\.?){1,2}"
ROW = rf"\({VALUE}(?>(?:, ?{VALUE})*)\)"
CASE = rf"WHEN \({NAME} = {VALUE}(?>(?: AND {NAME} = {VALUE})*)\) THEN {VALUE} "
RUNS = {
    "IN ( %s )": r"(?i:IN) ?\(%s(?>(?:, ?%s)+)\)",
    "IN ( NULL )": r"(?i:IN) ?\(\d++(?>(?:, ?\d++){100,})\)",
    "( NULL )": rf"{ROW}(?>(?:, ?{ROW})+)",
    "WHEN NULL THEN NULL": rf"{CASE}(?>(?:{CASE})+)",
}

# Where MySQL takes no text, so that the server must be one that takes names in double quotes.
BY_ANSI_QUOTES = re.compile(
    r"\b(?:FROM|INTO|JOIN|TABLE|INSERT|REPLACE|UPDATE|DELETE|LOW_PRIORITY|HIGH_PRIORITY|DELAYED"
    r"|QUICK|IGNORE)(?: \()* \"|\" \.|\. \""
)

# A hint to the optimizer that changes what the statement sees.
WEIGHTY_HINT = re.compile("set_var", re.I)

# Quoted, it stays as it is: it holds nothing that could be taken for a word of SQL.
SIMPLE = re.compile(r"[\w$.#@:/+-]*")


class Unreadable(ValueError):
    """The words are not certain; the message says why."""


class Words(NamedTuple):
    """The words of a text, and the names that `?0`, `?1`, ... stand for in it.

    `values` are the places of the parameters that go where each %s is; () where each has its own.
    """

    text: str
    names: tuple[str, ...] = ()
    values: tuple[range, ...] = ()


@cache
def _grammar(vendor: str, filled_in: bool) -> re.Pattern[str]:
    passed_over, quoted = GRAMMAR[vendor]
    passed_over = passed_over.replace("{any}", r"[^*%]|%%" if filled_in else r"[^*]")
    runs = "|".join(RUNS.values()) + r"|%s|%\(\w+\)s|%%" if filled_in else "%"
    words = (
        rf"{runs}|(?![xXbBnN]'|_)[^\W\d][\w$]*+\(?|[,=()](?!\d)|{quoted}"
        rf"|[xX]'[0-9A-Fa-f]*'|[bB]'[01]*'|{NUMBERS}|[\w$]+\(?|{SIGNS}"
    )
    # The last alternatives: what is not understood, and the end, so that no word begins within
    # what is passed over.
    return re.compile(rf"(?>(?:{SPACE}|(?=[-#/_nN])(?:{passed_over}))*)({words}|.|\Z)", re.S)


def split(vendor: str, sql: str, filled_in: bool) -> Words:
    """The words of `sql`; `filled_in` says that the driver puts values where its %s are.

    Raises Unreadable.
    """
    found: list[str] = _grammar(vendor, filled_in).findall(sql)
    words = _written_down(found, vendor, filled_in, "'\"" if vendor == "mysql" else "'")
    if '"' in words.text and BY_ANSI_QUOTES.search(words.text):
        return _written_down(found, vendor, filled_in, "'")
    return words


def _written_down(found: list[str], vendor: str, filled_in: bool, texts: str) -> Words:
    """`texts` are the quotes that texts stand in, not names."""
    names: list[str] = []
    written = {
        word: _written(word, vendor, filled_in, texts, names) for word in dict.fromkeys(found)
    }
    values = _values(found, written) if any(word in RUNS for word in written.values()) else ()
    return Words(" ".join(filter(None, map(written.__getitem__, found))), tuple(names), values)


def _written(word: str, vendor: str, filled_in: bool, texts: str, names: list[str]) -> str:
    """One word as it stands in the answer; "" where it says nothing. Raises Unreadable."""
    if not word:
        return ""  # the end
    if word.startswith("/*+") and not (WEIGHTY_HINT.search(word) or (filled_in and "%" in word)):
        return ""
    first = word[0]
    if " " in word or "," in word[1:]:
        for run, pattern in RUNS.items():
            if first not in QUOTES and re.fullmatch(pattern, word):
                return run
    if first in QUOTES and len(word) > 1:
        return _quoted(first, _content(word, filled_in), texts, names)
    if first in "xXbB" and word[-1] == "'":
        return "'$'"
    if re.fullmatch(NUMBERS, word):
        return word.upper()
    if first.isalnum() or first == "_" or (first in "$@" and len(word) > 1 and vendor == "mysql"):
        if word.isascii():
            return word.upper()
        if first != "@":
            # Upper case would make a word of SQL of some: a long s becomes a plain S.
            name = word.rstrip("(")
            return f"`{name}`{word[len(name) :]}"
    if word == "@" and vendor == "mysql":
        return word  # of a user's name, or of a variable's in quotes
    if first == "%" and (len(word) > 1 or not filled_in):
        return "%" if word in ("%", "%%") else "%s"
    if word == "--" or not re.fullmatch(SIGNS, word):
        raise Unreadable(NOT_UNDERSTOOD.get(word, f"{word[:9]!r} is not understood where it is"))
    return word


QUOTES = frozenset("'\"`[")
NOT_UNDERSTOOD = {
    "/*": "its comment holds SQL, or a placeholder",
    "'": "where its quotes end is not certain",
    '"': "where its quotes end is not certain",
}


def _content(word: str, filled_in: bool) -> str:
    content = word[1:-1].replace(word[0] * 2, word[0])
    if filled_in and "%" in content:
        if "%" in content.replace("%%", ""):
            raise Unreadable("a placeholder stands inside of quotes")
        content = content.replace("%%", "%")
    return content


def _quoted(quote: str, content: str, texts: str, names: list[str]) -> str:
    simple = SIMPLE.fullmatch(content)
    if quote in texts:
        return f"{quote}{content if simple else '$'}{quote}"
    if simple and content:
        return f"`{content}`"
    names.append(content)
    return f"`?{len(names) - 1}`"


def _values(found: list[str], written: dict[str, str]) -> tuple[range, ...]:
    values, at = [], 0
    for word in found:
        short = written[word]
        count = word.count("%s") if short in RUNS else int(short == "%s")
        if "%s" in short:
            values.append(range(at, at + count))
        at += count
    return tuple(values)
