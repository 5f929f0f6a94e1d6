"""Random statements over the grammar of MySQL's and MariaDB's SELECT and writes.

They name four tables with the same columns, and as aliases the same four names, so that a reader
who takes one for the other is found out. What a server has no word for it refuses, and such a
statement is not counted.
"""

from __future__ import annotations

import random
from collections.abc import Callable

TABLES = ("ant", "bee", "Cat", "dog fish")
COLUMNS = ("id", "x", "y", "value")
# Names of the tables, and words that are not reserved and look as if they were.
ALIASES = ("a1", "bee", "cat", "ant", "quick", "history", "portion", "temporary", "[left]", "[set]")

Scope = list[str]  # by which the columns of the tables in reach are named
Choice = str | Callable[[], str]


class Grammar:
    """In what it makes, [name] is quoted and a · is a space that belongs to a name or a text."""

    def __init__(self, seed: int, database: str, quote: str = "`") -> None:
        self.random = random.Random(seed)
        self.database, self.quote = database, quote
        self.depth = 0

    def statement(self) -> str:
        text = self.pick(self.query, self.insert, self.update, self.delete)
        return self.spelled(text) + self.often(lambda: self.pick(";", " ; ", " -- x", " # x"), 0.1)

    def spelled(self, text: str) -> str:
        """The same in other letters and spaces, with comments."""
        plain = self.random.random() < 0.5
        gaps = ("\n", "\t", "  ", " /* SET */ ", "/**/ ", " -- FROM dog\n", " #'\n", *[" "] * 8)
        found = ""
        for word in text.replace("[", self.quote).replace("]", self.quote).split(" "):
            if not plain and word.isupper() and word.isalpha():
                word = self.pick(word, word.lower(), word.title())
            found += word + (" " if plain else self.pick(*gaps))
        return found.strip().replace("·", " ")

    # --- choices

    def pick(self, *options: Choice) -> str:
        chosen = self.random.choice(options)
        return chosen if isinstance(chosen, str) else chosen()

    def often(self, text: Choice, share: float = 0.5) -> str:
        return self.pick(text) if self.random.random() < share else ""

    def several(self, one: Callable[[], str], most: int = 3) -> str:
        return ", ".join(one() for _ in range(self.random.randint(1, most)))

    def deeper(self, shallow: list[Choice], deep: list[Choice], most: int) -> str:
        """One of them; of the deep ones only down to a depth."""
        self.depth += 1
        found = self.pick(*shallow, *(deep if self.depth < most else []))
        self.depth -= 1
        return found

    # --- names

    def name(self, name: str) -> str:
        return f"[{name.replace(' ', '·')}]" if " " in name else self.pick(name, f"[{name}]")

    def table(self) -> str:
        name = self.name(self.random.choice(TABLES))
        return self.pick(*[name] * 15, f"{self.database}.{name}")

    def column(self, scope: Scope) -> str:
        name = self.name(self.random.choice(COLUMNS))
        named = scope and self.random.random() < 0.85
        return f"{self.random.choice(scope)}.{name}" if named else name

    def partition(self) -> str:
        return self.often(" PARTITION (p0)", 0.03)

    def index_hint(self) -> str:
        purpose = self.pick("", "", " FOR JOIN", " FOR ORDER BY", " FOR GROUP BY")
        verb = self.pick("USE", "FORCE", "IGNORE")
        return f" {verb} {self.pick('INDEX', 'KEY')}{purpose}{self.pick(' ', '')}(ix)"

    def source(self, scope: Scope, derived: bool = True) -> str:
        """A table, or a subselect, as FROM takes it; adds what it is called to the scope."""
        alias = self.random.choice(ALIASES)
        if derived and self.depth < 3 and self.random.random() < 0.2:
            scope.append(alias)
            return f"{self.often('LATERAL ', 0.05)}({self.select()}) {self.often('AS ')}{alias}"
        table = self.table()
        if self.random.random() < 0.5:
            scope.append(alias)
            table += f"{self.partition()} {self.often('AS ')}{alias}"
        else:
            scope.append(table.rpartition(".")[2])
            table += self.partition()
        return table + self.often(self.index_hint, 0.1)

    def sources(self, scope: Scope, derived: bool = True) -> str:
        text = self.source(scope, derived)
        while self.random.random() < 0.4:
            other = self.source(scope, derived)
            how = self.pick(
                f", {other}",
                lambda: f" {self.pick('JOIN', 'INNER JOIN')} {other} ON {self.condition(scope)}",  # noqa: B023
                lambda: f" {self.pick('LEFT', 'RIGHT')} JOIN {other} ON {self.condition(scope)}",  # noqa: B023
                f" JOIN {other} USING (id)",
                f" NATURAL {self.often('LEFT ')}JOIN {other}",
                f" {self.pick('STRAIGHT_JOIN', 'CROSS JOIN')} {other}",
            )
            text = self.pick(f"{text}{how}", f"{text}{how}", f"({text}{how})")
        return text

    # --- values and conditions

    def constant(self) -> str:
        return self.pick(
            *("1", "3", "-2", "0x1F", "1.5", ".5", "2e1", "NULL", "TRUE", "''", "'a'", "'it''s'"),
            *("'--·x'", "'/*·*/'", "_utf8mb4'x'", "N'x'", "x'41'", "b'1'", "'a;b'", "'[·]'"),
            *("'DELETE·FROM·ant'", "DATE '2020-01-01'"),
        )

    def operator(self) -> str:
        return self.pick("+", "-", "- -", "*", "/", "DIV", "MOD", "%", "|", "&", "^", "<<", "||")

    def value(self, scope: Scope) -> str:
        column, value = (lambda: self.column(scope)), (lambda: self.value(scope))
        return self.deeper(
            [self.constant, column],
            [
                lambda: f"{value()} {self.operator()} {value()}",
                lambda: f"({value()})",
                lambda: f"{self.pick('-', '~', '!', 'NOT ', 'BINARY ')}{column()}",
                lambda: self.call(value(), column()),
                lambda: f"(SELECT {self.pick('MAX', 'COUNT')}(x) FROM {self.source([])})",
                lambda: f"CASE WHEN {value()} THEN {value()}{self.often(' ELSE 1')} END",
                lambda: f"CASE {column()} WHEN {value()} THEN {value()} END",
            ],
            5,
        )

    def call(self, one: str, two: str) -> str:
        return self.pick(
            *(f"COALESCE({one}, {two})", f"CONCAT({one}, {two})", f"CONCAT ({one}, {two})"),
            *(f"IF({one}, {two}, 1)", f"LEFT({one}, 2)", f"REPLACE({one}, 'a', 'b')"),
            *(f"CAST({one} AS CHAR(3))", f"CAST({one} AS DECIMAL(5, 2))", f"CONVERT({one}, CHAR)"),
            *(f"CONVERT({one} USING utf8mb4)", f"TRIM(LEADING 'a' FROM {one})", f"NOW() + {one}"),
            *(f"SUBSTRING({one} FROM 1 FOR 2)", f"POSITION('a' IN {one})", f"REPEAT({one}, 2)"),
            *(f"CHAR({two} USING utf8mb4)", f"INSERT({one}, 1, 1, 'b')", f"GREATEST({one}, {two})"),
            f"EXTRACT(DAY FROM '2020-01-01' + INTERVAL {two} DAY)",
            *(f"JSON_OBJECT('a', {two})", f"({one} COLLATE utf8mb4_bin)", f"{two} IS NOT NULL"),
        )

    def condition(self, scope: Scope) -> str:
        column, value = (lambda: self.column(scope)), (lambda: self.value(scope))
        condition = lambda: self.condition(scope)  # noqa: E731
        compare = lambda: self.pick("=", "<", ">=", "<>", "!=", "<=>", "SOUNDS LIKE", "RLIKE")  # noqa: E731
        return self.deeper(
            [
                lambda: f"{column()} = {self.pick('3', '1', '2')}",
                lambda: f"{column()} IN ({self.several(self.constant, 5)})",
                lambda: f"{value()} {compare()} {value()}",
                lambda: f"{column()} BETWEEN 1 AND {value()}",
                lambda: f"{column()} {self.often('NOT ')}LIKE 'a%' ESCAPE '!'",
            ],
            [
                lambda: f"{condition()} {self.pick('OR', 'XOR', '&&', '||')} {condition()}",
                lambda: f"{condition()} AND {condition()}",
                lambda: f"({condition()})",
                lambda: f"NOT {condition()}",
                lambda: f"{condition()} IS {self.pick('TRUE', 'NOT FALSE', 'UNKNOWN')}",
                lambda: f"{self.often('NOT ')}EXISTS ({self.select(scope)})",
                lambda: f"{column()} IN (SELECT id FROM {self.sources([])})",
                lambda: f"{column()} > {self.pick('ALL', 'ANY')} (SELECT x FROM {self.source([])})",
                "(id, x) IN ((1, 2), (3, 4))",
            ],
            4,
        )

    # --- queries

    def query(self) -> str:
        union = lambda: self.pick("UNION", "UNION ALL", "INTERSECT", "EXCEPT")  # noqa: E731
        return self.with_ctes(
            self.pick(
                *[self.select] * 6,
                lambda: f"({self.select()})",
                lambda: f"{self.select()} {union()} {self.select()}",
                lambda: f"({self.select()}) {union()} ({self.select()}) LIMIT 3",
                lambda: f"TABLE {self.table()}",
            )
        )

    def with_ctes(self, text: str) -> str:
        if self.random.random() > 0.15:
            return text
        names = self.random.sample(["a1", "bee", "ant", "cte"], self.random.randint(1, 2))
        columns = lambda: self.often(" (id, x, y, value)", 0.2)  # noqa: E731
        ctes = ", ".join(f"{name}{columns()} AS ({self.select()})" for name in names)
        return f"WITH {self.often('RECURSIVE ', 0.2)}{ctes} {text}"

    def select(self, outer: Scope | None = None) -> str:
        self.depth += 1
        scope: Scope = []
        sources = self.sources(scope)
        reach = scope + (outer or [])
        column = lambda: self.column(reach)  # noqa: E731
        options = ("DISTINCT ", "ALL ", "STRAIGHT_JOIN ", "HIGH_PRIORITY ", "SQL_NO_CACHE ")
        columns = self.pick(
            *("*", "*", "COUNT(*)"),
            lambda: f"{self.random.choice(scope)}.*",
            lambda: self.several(lambda: self.value(reach) + self.pick("", "", " c1", " AS c1")),
            lambda: f"SUM({column()}) OVER (PARTITION BY {column()} ORDER BY {column()})",
            lambda: f"GROUP_CONCAT(DISTINCT {column()} ORDER BY 1 SEPARATOR ';')",
        )
        having = lambda: self.often(lambda: f" HAVING {self.condition(reach)}", 0.3)  # noqa: E731
        parts = (
            self.often(lambda: f" WHERE {self.condition(reach)}"),
            self.often(
                lambda: f" GROUP BY {column()}{self.pick('', ' WITH ROLLUP')}{having()}", 0.1
            ),
            self.often(lambda: f" ORDER BY {column()}{self.pick('', ' ASC', ' DESC')}", 0.3),
            self.often(lambda: self.pick(" LIMIT 2", " LIMIT 1, 2", " LIMIT 2 OFFSET 1"), 0.2),
            self.often(lambda: self.pick(" FOR UPDATE", " LOCK IN SHARE MODE"), 0.03),
        )
        self.depth -= 1
        chosen = self.often(
            lambda: self.pick(*options, "SQL_CALC_FOUND_ROWS ", "/*+·NO_ICP(ant)·*/ "), 0.15
        )
        return f"SELECT {chosen}{columns} FROM {sources}{''.join(parts)}"

    # --- writes

    def assignment(self, scope: Scope) -> str:
        return f"{self.column(scope)} = {self.pick('DEFAULT', lambda: self.value(scope))}"

    def rows(self, width: int) -> str:
        value = lambda: self.pick("DEFAULT", lambda: self.value([]))  # noqa: E731
        return self.several(lambda: f"({', '.join(value() for _ in range(width))})")

    def insert(self) -> str:
        verb = self.pick("INSERT", "INSERT", "REPLACE")
        inserts = verb == "INSERT"
        priority = self.pick("LOW_PRIORITY ", "DELAYED ", "HIGH_PRIORITY " if inserts else "")
        options = self.often(priority, 0.2) + self.often("IGNORE " if inserts else "", 0.2)
        what = self.pick(
            lambda: f" (id, x) {self.pick('VALUES', 'VALUE')} {self.rows(2)}",
            lambda: f" ([id],[x]) VALUES{self.rows(2)}",
            lambda: f" VALUES {self.rows(4)}",
            " () VALUES ()",
            lambda: f" SET {self.several(lambda: self.assignment([]))}",
            lambda: f" {self.select()}",
            lambda: f" (id, x) ({self.select()})",
            lambda: f" (id) {self.with_ctes(f'SELECT id FROM {self.sources([])}')}",
            lambda: f" TABLE {self.table()}",
        )
        change = self.pick("x = VALUES(x)", "x = x + 1", lambda: f"y = {self.value([])}")
        upsert = self.often(f" ON DUPLICATE KEY UPDATE {change}" if inserts else "", 0.2)
        into = f"{self.often('INTO ', 0.8)}{self.table()}{self.partition()}"
        returning = self.often(" RETURNING id, x", 0.05)
        return f"{verb} {options}{into}{what}{upsert}{returning}"

    def tail(self, scope: Scope) -> str:
        where = self.often(lambda: f" WHERE {self.condition(scope)}", 0.85)
        order = self.often(lambda: f" ORDER BY {self.column(scope)}", 0.1)
        return f"{where}{order}{self.often(' LIMIT 2', 0.1)}"

    def update(self) -> str:
        scope: Scope = []
        tables = self.source(scope, False) if self.random.random() < 0.5 else self.sources(scope)
        options = self.often("LOW_PRIORITY ", 0.1) + self.often("IGNORE ", 0.1)
        sets = self.several(lambda: self.assignment(scope))
        return self.with_ctes(f"UPDATE {options}{tables} SET {sets}{self.tail(scope)}")

    def delete(self) -> str:
        scope: Scope = []
        options = "".join(self.often(f"{o} ", 0.1) for o in ("LOW_PRIORITY", "QUICK", "IGNORE"))
        if self.random.random() < 0.5:
            text = f"FROM {self.source(scope, False)}{self.tail(scope)}"
            return self.with_ctes(f"DELETE {options}{text}{self.often(' RETURNING id', 0.05)}")
        sources = self.sources(scope)
        chosen = self.random.sample(scope, self.random.randint(1, len(scope)))
        targets = ", ".join(name + self.often(".*", 0.2) for name in chosen)
        where = self.often(lambda: f" WHERE {self.condition(scope)}", 0.8)
        text = self.pick(f"{targets} FROM {sources}", f"FROM {targets} USING {sources}")
        return self.with_ctes(f"DELETE {options}{text}{where}")
