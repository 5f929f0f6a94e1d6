"""A statement's words are certain, or it is Unreadable."""

from __future__ import annotations

import pytest

from planets.cache.writing.words import Unreadable, split

MYSQL = {
    "select  a.b,count(*) from `t`": "SELECT A . B , COUNT( * ) FROM `t`",
    "SELECT 'it''s', 'a/*b', \"c--d\"": "SELECT '$' , '$' , \"c--d\"",
    "SELECT 1 -- a\n, 2 # b\n, /* c */ 3": "SELECT 1 , 2 , 3",
    "SELECT 5--3": "SELECT 5 - - 3",  # a comment needs a space there
    "SELECT 1 -- the end; DROP": "SELECT 1",
    "SELECT /*+ NO_ICP(t) */ 1": "SELECT 1",
    "SELECT _binary 'x', N'y', x'41', b'01', 0x1f, .5": "SELECT 'x' , 'y' , '$' , '$' , 0X1F , .5",
    "UPDATE t SET a = _binary %s": "UPDATE T SET A = %s",
    "SELECT a %% 2, '%%', %(name)s": "SELECT A % 2 , '$' , %s",
    "SELECT `a``b`, `c d`": "SELECT `?0` , `?1`",
    'SELECT "a".x FROM "my table"': "SELECT `a` . X FROM `?0`",  # by ANSI_QUOTES
    "SELECT @x, @@sql_mode": "SELECT @X , @@SQL_MODE",
    "GRANT ALL ON *.* TO a@'%%', `b`@localhost": "GRANT ALL ON * . * TO A @ '$' , `b` @LOCALHOST",
    "SELECT größe FROM t": "SELECT `größe` FROM T",
    "\u017felect 1": "`\u017felect` 1",  # whose upper case is SELECT
    "": "",
}
SQLITE = {
    "SELECT 'a\\' FROM [my table]": "SELECT '$' FROM `?0`",
    "SELECT 1--2": "SELECT 1",
    "SELECT \"a\" FROM 't' /* open": "SELECT `a` FROM 't'",
}


@pytest.mark.parametrize(
    ("vendor", "sql", "text"),
    [
        *(("mysql", sql, text) for sql, text in MYSQL.items()),
        *(("sqlite", sql, text) for sql, text in SQLITE.items()),
    ],
)
def test_words(vendor: str, sql: str, text: str) -> None:
    assert split(vendor, sql, True).text == text


def test_names_that_are_not_simple_are_kept() -> None:
    assert split("mysql", "SELECT `a``b`, `c,(d`, `a``b`", True).names == ("a`b", "c,(d")


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT 'a\\'b'", "quotes"),  # by NO_BACKSLASH_ESCAPES it ends there
        ("SELECT 'a", "quotes"),
        ('SELECT "a', "quotes"),
        ("SELECT /*! 1 */ 2", "comment holds SQL"),
        ("SELECT /*M! 1 */ 2", "comment holds SQL"),
        ("SELECT /*!50000 1 */ 2", "comment holds SQL"),
        ("SELECT 1 /* open", "comment holds SQL"),
        ("SELECT /*+ SET_VAR(sql_mode = '') */ 1", "not understood"),
        ("UPDATE /*+ X(%s) */ t SET a = %s", "not understood"),
        ("SELECT '%s'", "placeholder stands inside of quotes"),
        ("SELECT `%s`", "placeholder stands inside of quotes"),
        ("SELECT 1 /* %s */", "comment holds SQL, or a placeholder"),
        ("SELECT 1 -- %s\n", "not understood"),
        ("SELECT %b", "not understood"),  # a placeholder, too, where the driver formats bytes
        ("SELECT %5s", "not understood"),
        ("SELECT ?", "not understood"),
        ("SELECT 1\u00a0FROM t", "not understood"),
        ("SELECT 1\0", "not understood"),
        ("SELECT {d '2020-01-01'}", "not understood"),
    ],
)
def test_what_is_not_certain_is_unreadable(sql: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        split("mysql", sql, True)


def test_without_parameters_a_percent_sign_is_one() -> None:
    assert split("mysql", "SELECT a % 2, '%s', a %s", False).text == "SELECT A % 2 , '$' , A % S"
    assert split("mysql", "SELECT 1 /* 100 % */", False).text == "SELECT 1"


# --- runs of values


def rows(count: int) -> str:
    return "INSERT INTO `t` (`a`, `b`) VALUES " + ", ".join(["(%s, _binary %s)"] * count)


def cases(count: int) -> str:
    """As bulk_update() writes them."""
    case = "".join("WHEN (`t`.`id` = %s) THEN %s " for _ in range(count))
    return f"UPDATE `t` SET `a` = CASE {case}ELSE NULL END WHERE `t`.`id` IN ({in_list(count)})"


def in_list(count: int) -> str:
    return ", ".join(["%s"] * count)


@pytest.mark.parametrize(
    "make", [rows, cases, lambda count: f"SELECT * FROM t WHERE id IN ({in_list(count)})"]
)
def test_any_number_of_values_comes_out_the_same(make: object) -> None:
    assert callable(make)
    assert split("mysql", make(2), True).text == split("mysql", make(2000), True).text


def test_a_run_within_quotes_is_none() -> None:
    text = f"SELECT `IN (%%s, %%s)`, 'IN (%%s, %%s)', {in_list(3)} FROM t"
    assert split("mysql", text, True).text == "SELECT `?0` , '$' , %s , %s , %s FROM T"


def test_the_places_of_values_are_told() -> None:
    words = split("mysql", f"UPDATE t SET a = %s WHERE b = %s AND id IN ({in_list(3)})", True)
    assert words.values == (range(1), range(1, 2), range(2, 5))
    assert split("mysql", cases(50), True).values == (range(100, 150),)
