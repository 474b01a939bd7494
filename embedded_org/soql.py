"""SOQL: a grammar for the subset that extraction tools use, and its translation to SQL.

Put parsing, name resolution and error wording here. Errors are worded as Salesforce words them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from embedded_org.objects import UNFILTERABLE, Field, Org, SObject, instant_text

GRAMMAR = r"""
query: _SELECT selection _FROM NAME _alias _scope _where _with (group _having)? _order _limit _offset _purpose _tracking
_alias: alias |
_scope: scope |
_where: where |
_with: with |
_having: having |
_order: order |
_limit: limit |
_offset: offset |
_purpose: purpose |
_tracking: tracking |
alias: NAME -> unsupported
scope: _USING _SCOPE NAME -> unsupported
with: _WITH ACCESS -> unsupported
having: _HAVING condition -> unsupported
purpose: _FOR (VIEW | REFERENCE | UPDATE) -> unsupported
tracking: UPDATE (TRACKING | VIEWSTAT) -> unsupported
call: FUNCTION "(" path ")" -> unsupported
computed: AGGREGATE "(" path ")" -> unsupported
selection: COUNT_ALL -> count_all
         | _FIELDS "(" (ALL | STANDARD | CUSTOM) ")" -> all_fields
         | item ("," item)* -> items
item: path
    | AGGREGATE "(" path ")" NAME? -> aggregate
    | call NAME?
    | "(" query ")" -> unsupported
    | _TYPEOF path (_WHEN path _THEN path ("," path)*)+ (_ELSE path ("," path)*)? _END -> unsupported
path: NAME ("." NAME)*
where: _WHERE condition
?condition: simple
          | simple (_AND simple)+ -> and_
          | simple (_OR simple)+ -> or_
          | _NOT simple -> negation
?simple: "(" condition ")"
       | (path | call | computed) OP value -> comparison
       | path _NOT? _IN "(" query ")" -> unsupported
       | path (INCLUDES | EXCLUDES) "(" value ("," value)* ")" -> unsupported
       | path _LIKE STRING -> like
       | path _IN "(" value ("," value)* ")" -> inside
       | path _NOT _IN "(" value ("," value)* ")" -> outside
group: _GROUP _BY grouped ("," grouped)*
?grouped: path | call | (ROLLUP | CUBE) "(" path ("," path)* ")" -> unsupported
order: _ORDER _BY sort ("," sort)*
sort: (path | call | computed) DIRECTION? NULLS?
limit: _LIMIT COUNTED
offset: _OFFSET COUNTED
value: STRING | DATETIME | DATE | NUMBER | INT | BOOLEAN | NULL | (RELATIVE_DATE | MONEY) -> unsupported
COUNT_ALL.4: /COUNT\s*\(\s*\)/i
ACCESS.2: /(SECURITY_ENFORCED|USER_MODE|SYSTEM_MODE)\b/i
CUBE.3: /CUBE(?=\s*\()/i
EXCLUDES.2: /EXCLUDES\b/i
FUNCTION.3: /(CALENDAR_(MONTH|QUARTER|YEAR)|DAY_(IN_(MONTH|WEEK|YEAR)|ONLY)|FISCAL_(MONTH|QUARTER|YEAR)|HOUR_IN_DAY|WEEK_IN_(MONTH|YEAR)|TOLABEL|FORMAT|CONVERTCURRENCY)(?=\s*\()/i
INCLUDES.2: /INCLUDES\b/i
MONEY.2: /[A-Z]{3}-?[0-9]+(\.[0-9]+)?/i
REFERENCE.2: /REFERENCE\b/i
RELATIVE_DATE.3: /(TODAY|YESTERDAY|TOMORROW|(LAST|NEXT)_90_DAYS|(LAST|THIS|NEXT)_(WEEK|MONTH|(FISCAL_)?(QUARTER|YEAR))|((LAST|NEXT)_N_(DAYS|WEEKS|MONTHS|(FISCAL_)?(QUARTERS|YEARS))|N_(DAYS|WEEKS|MONTHS|(FISCAL_)?(QUARTERS|YEARS))_AGO):[0-9]+)\b/i
ROLLUP.3: /ROLLUP(?=\s*\()/i
TRACKING.2: /TRACKING\b/i
UPDATE.2: /UPDATE\b/i
VIEW.2: /VIEW\b/i
VIEWSTAT.2: /VIEWSTAT\b/i
_ELSE.2: /ELSE\b/i
_END.2: /END\b/i
_FOR.2: /FOR\b/i
_HAVING.2: /HAVING\b/i
_SCOPE.2: /SCOPE\b/i
_THEN.2: /THEN\b/i
_TYPEOF.2: /TYPEOF\b/i
_USING.2: /USING\b/i
_WHEN.2: /WHEN\b/i
_WITH.2: /WITH\b/i
_AND.2: /AND\b/i
_BY.2: /BY\b/i
_FIELDS.2: /FIELDS\b/i
_FROM.2: /FROM\b/i
_GROUP.2: /GROUP\b/i
_IN.2: /IN\b/i
_LIKE.2: /LIKE\b/i
_LIMIT.2: /LIMIT\b/i
_NOT.2: /NOT\b/i
_OFFSET.2: /OFFSET\b/i
_OR.2: /OR\b/i
_ORDER.2: /ORDER\b/i
_SELECT.2: /SELECT\b/i
_WHERE.2: /WHERE\b/i
OP: "<=" | ">=" | "!=" | "<>" | "=" | "<" | ">"
AGGREGATE.3: /(COUNT_DISTINCT|COUNT|MIN|MAX|SUM|AVG)(?=\s*\()/i
DIRECTION.2: /(ASC|DESC)\b/i
NULLS.2: /NULLS\s+(FIRST|LAST)\b/i
ALL.2: /ALL\b/i
STANDARD.2: /STANDARD\b/i
CUSTOM.2: /CUSTOM\b/i
BOOLEAN.2: /(TRUE|FALSE)\b/i
NULL.2: /NULL\b/i
STRING: /'(\\([nrtbf"'\\_%]|u(?!d[89a-f])[0-9a-f]{4})|[^'\\])*'/i
DATETIME.3: /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})/
DATE.2: /[0-9]{4}-[0-9]{2}-[0-9]{2}/
NUMBER: /[+-]?[0-9]*\.[0-9]+/
INT: /[+-]?[0-9]+/
COUNTED: /[0-9]{1,10}(?![0-9])/
NAME: /(?!(?:AND|ASC|DESC|EXCLUDES|FALSE|FIRST|FROM|HAVING|IN|INCLUDES|LAST|LIKE|LIMIT|NOT|NULL|NULLS|OR|SELECT|TRUE|USING|WHERE|WITH)\b)[A-Za-z][A-Za-z0-9_]*/i
%ignore /\s+/
"""
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
LONGEST = 100_000
MOST_FIELDS_ALL = 200
MOST_OFFSET = 2000


WIDEST = 200  # characters of a query that a refusal quotes


class SoqlError(ValueError):
    """A query that the org refuses; carries Salesforce's error code."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code beside the message."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Column:
    """One column of a result: its dotted name and its type."""

    name: str
    kind: str


@dataclass
class Select:
    """A translated query."""

    entity: SObject
    columns: list[Column]
    sql: str
    values: list[object]
    is_count: bool = False
    is_aggregate: bool = False
    has_order: bool = False


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(GRAMMAR, start="query", parser="lalr", maybe_placeholders=False)


def parse(text: str) -> Tree[Token]:
    """Parse a query; raises `SoqlError` MALFORMED_QUERY."""
    if len(text) > LONGEST:
        raise SoqlError("QUERY_TOO_COMPLICATED", "SOQL statement is too long")
    try:
        return _parser().parse(text)
    except UnexpectedInput as fault:
        raise SoqlError("MALFORMED_QUERY", _wording(text, fault)) from None


def _wording(text: str, fault: UnexpectedInput) -> str:
    line, column = max(getattr(fault, "line", 1), 1), max(getattr(fault, "column", 1), 1)
    if isinstance(fault, UnexpectedEOF) or (
        isinstance(fault, UnexpectedToken) and fault.token.type == "$END"
    ):
        return "unexpected token: '<EOF>'"
    if isinstance(fault, UnexpectedToken):
        word = str(fault.token)
    elif isinstance(fault, UnexpectedCharacters):
        word = text[fault.pos_in_stream or 0 :][:1]
    else:
        word = ""
    shown = text.split("\n")[line - 1][:WIDEST]
    return f"\n{shown}\n{' ' * min(column - 1, WIDEST)}^\nERROR at Row:{line}:Column:{column}\nunexpected token: '{word[:WIDEST]}'"


def translate(text: str, org: Org, *, include_deleted: bool) -> Select:
    """Return the SQL of a query; raises `SoqlError` for what the org refuses."""
    tree = parse(text)
    for part in tree.find_data("unsupported"):
        token = next(part.scan_values(lambda each: isinstance(each, Token)))
        raise SoqlError(
            "FUNCTIONALITY_NOT_ENABLED",
            _at(text, token, f"'{token}': valid SOQL that the embedded org does not answer"),
        )
    entity_token = cast("Token", tree.children[1])
    entity = org.find(str(entity_token))
    if entity is None:
        raise SoqlError(
            "INVALID_TYPE",
            _at(text, entity_token, f"sObject type '{entity_token}' is not supported."),
        )
    try:
        return _Translation(text, org, entity, include_deleted=include_deleted).of(tree)
    except RecursionError:
        raise SoqlError("QUERY_TOO_COMPLICATED", "Query is too complicated") from None


def _at(text: str, token: Token, message: str) -> str:
    line, column = token.line or 1, token.column or 1
    shown = text.split("\n")[line - 1]
    return f"\n{shown[max(column - 60, 0) : column + 60]}\n{' ' * min(column - 1, 60)}^\nERROR at Row:{line}:Column:{column}\n{message[:WIDEST]}"


@dataclass
class _Translation:
    text: str
    org: Org
    entity: SObject
    include_deleted: bool
    joins: dict[str, str] = field(default_factory=dict)
    values: list[object] = field(default_factory=list)

    def of(self, tree: Tree[Token]) -> Select:
        parts = {part.data: part for part in tree.children if isinstance(part, Tree)}
        columns, expressions = self._selection(cast("Tree[Token]", tree.children[0]), parts)
        # Values are bound in the order in which their clauses stand in the statement.
        conditions: list[str] = []
        if "where" in parts:
            conditions.append(self._condition(cast("Tree[Token]", parts["where"].children[0])))
        if not self.include_deleted and self.entity.find("IsDeleted"):
            conditions.append('t."IsDeleted" = 0')
        grouped = (
            [self._path(cast("Tree[Token]", each))[0] for each in parts["group"].children]
            if "group" in parts
            else []
        )
        ordered = [self._sort(each) for each in parts["order"].children] if "order" in parts else []
        is_count = "count_all" in parts
        is_aggregate = bool(grouped) or any(
            column.name.startswith("expr") or column.kind == "aggregate" for column in columns
        )
        sql = f'SELECT {", ".join(expressions)} FROM "{self.entity.name}" t {" ".join(self.joins.values())}'  # noqa: S608  # every name was resolved
        sql += f" WHERE {' AND '.join(conditions)}" if conditions else ""
        sql += f" GROUP BY {', '.join(grouped)}" if grouped else ""
        # Salesforce promises no order without ORDER BY; ours is the id's.
        sql += (
            f" ORDER BY {', '.join(ordered)}"
            if ordered
            else ""
            if is_count or is_aggregate
            else ' ORDER BY t."Id"'
        )
        limit = _number(parts, "limit")
        offset = _number(parts, "offset")
        if offset is not None and offset > MOST_OFFSET:
            raise SoqlError("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        if limit is not None or offset is not None:
            sql += f" LIMIT {-1 if limit is None else limit} OFFSET {offset or 0}"
        return Select(
            self.entity,
            columns,
            sql,
            self.values,
            is_count=is_count,
            is_aggregate=is_aggregate,
            has_order=bool(ordered),
        )

    def _selection(
        self, tree: Tree[Token], parts: dict[str, Tree[Token]]
    ) -> tuple[list[Column], list[str]]:
        if tree.data == "count_all":
            return [], ["COUNT(*)"]
        if tree.data == "all_fields":
            limit = _number(parts, "limit")
            unbounded = cast("Token", tree.children[0]).type in {"ALL", "CUSTOM"}
            if unbounded and (limit is None or limit > MOST_FIELDS_ALL):
                raise SoqlError(
                    "MALFORMED_QUERY", "The SOQL FIELDS function must have a LIMIT of at most 200"
                )
            fields = self.entity.visible()
            return [Column(each.name, each.kind) for each in fields], [
                f't."{each.name}"' for each in fields
            ]
        columns: list[Column] = []
        expressions: list[str] = []
        for item in cast("list[Tree[Token]]", tree.children):
            if item.data == "aggregate":
                function, path, *alias = item.children
                expression, _, _ = self._path(cast("Tree[Token]", path))
                name = (
                    str(alias[0]) if alias else f"expr{sum(c.kind == 'aggregate' for c in columns)}"
                )
                columns.append(Column(name, "aggregate"))
                distinct = str(function).upper() == "COUNT_DISTINCT"
                called = "COUNT" if distinct else str(function).upper()
                expressions.append(f"{called}({'DISTINCT ' if distinct else ''}{expression})")
            else:
                expression, found, name = self._path(cast("Tree[Token]", item.children[0]))
                columns.append(Column(name, found.kind))
                expressions.append(expression)
        return columns, expressions

    def _path(self, path: Tree[Token]) -> tuple[str, Field, str]:
        *steps, last = cast("list[Token]", path.children)
        alias, entity, names = "t", self.entity, []
        for step in steps:
            reference = entity.relationship(str(step))
            target = (
                self.org.find(reference.refers_to) if reference and reference.refers_to else None
            )
            if reference is None or target is None:
                raise SoqlError(
                    "INVALID_FIELD",
                    _at(
                        self.text,
                        step,
                        f"Didn't understand relationship '{step}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.",
                    ),
                )
            joined = f"{alias}_{reference.relationship}"
            self.joins.setdefault(
                joined,
                f'LEFT JOIN "{target.name}" {joined} ON {joined}."Id" = {alias}."{reference.name}"',
            )
            alias, entity = joined, target
            names.append(cast("str", reference.relationship))
        found = entity.find(str(last))
        if found is None:
            raise SoqlError(
                "INVALID_FIELD",
                _at(
                    self.text,
                    last,
                    f"No such column '{last}' on entity '{entity.name}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
                ),
            )
        return f'{alias}."{found.name}"', found, ".".join([*names, found.name])

    def _condition(self, tree: Tree[Token]) -> str:
        children = cast("list[Tree[Token]]", tree.children)
        handlers: dict[str, Callable[[list[Tree[Token]]], str]] = {
            "or_": lambda each: f"({' OR '.join(self._condition(one) for one in each)})",
            "and_": lambda each: f"({' AND '.join(self._condition(one) for one in each)})",
            "negation": lambda each: f"NOT COALESCE({self._condition(each[0])}, 0)",
            "comparison": self._comparison,
            "like": self._like,
            "inside": lambda each: self._membership(each, "IN"),
            "outside": lambda each: self._membership(each, "NOT IN"),
        }
        return handlers[tree.data](children)

    def _comparison(self, children: list[Tree[Token]]) -> str:
        path, operator, literal = children
        expression, found = self._filterable(path)
        value = self._value(literal, found)
        sign = {"!=": "<>"}.get(str(operator), str(operator))
        if value is None:
            if sign not in {"=", "<>"}:
                raise SoqlError(
                    "INVALID_OPERATOR", f"invalid operator on null for field {found.name}"
                )
            return f"{expression} IS {'NOT ' if sign == '<>' else ''}NULL"
        self.values.append(value)
        collation = " COLLATE NOCASE" if found.kind in {"string", "picklist"} else ""
        compared = f"{expression} {sign} ?{collation}"
        return f"({compared} OR {expression} IS NULL)" if sign == "<>" else compared

    def _like(self, children: list[Tree[Token]]) -> str:
        path, literal = children
        expression, found = self._filterable(path)
        if found.kind not in {"string", "picklist", "id", "reference"}:
            raise SoqlError(
                "INVALID_OPERATOR", f"LIKE is for text, and {found.name} is a {found.kind}"
            )
        self.values.append(_unquoted(str(literal)))
        return f"soql_like(?, {expression})"

    def _membership(self, children: list[Tree[Token]], word: str) -> str:
        path, *literals = children
        expression, found = self._filterable(path)
        values = [self._value(each, found) for each in literals]
        self.values += [value for value in values if value is not None]
        inside = f"{expression} {word} ({', '.join('?' for value in values if value is not None)})"
        if None in values:
            inside = (
                f"({inside} OR {expression} IS NULL)"
                if word == "IN"
                else f"({inside} AND {expression} IS NOT NULL)"
            )
        return inside

    def _filterable(self, path: Tree[Token]) -> tuple[str, Field]:
        expression, found, name = self._path(path)
        if found.name in UNFILTERABLE:
            raise SoqlError(
                "INVALID_FIELD",
                _at(
                    self.text,
                    cast("Token", path.children[-1]),
                    f"field '{name}' can not be filtered in a query call",
                ),
            )
        return expression, found

    def _value(self, literal: Tree[Token], found: Field) -> object:
        token = cast("Token", literal.children[0])
        text, kind = str(token), token.type
        if kind == "NULL":
            return None
        fits = {
            "boolean": {"BOOLEAN"},
            "datetime": {"DATETIME"},
            "date": {"DATE"},
            "currency": {"NUMBER", "INT"},
            "percent": {"NUMBER", "INT"},
            "double": {"NUMBER", "INT"},
            "int": {"INT", "NUMBER"},
        }.get(found.kind, {"STRING"})
        if kind not in fits:
            raise SoqlError(
                "INVALID_FIELD",
                _at(
                    self.text,
                    token,
                    f"value of filter criterion for field '{found.name}' must be of type {found.kind} and should {'' if 'STRING' in fits else 'not '}be enclosed in quotes",
                ),
            )
        if kind in {"DATE", "DATETIME"}:
            try:
                return (
                    instant_text(text)
                    if kind == "DATETIME"
                    else date.fromisoformat(text).isoformat()
                )
            except (ValueError, OverflowError):
                raise SoqlError(
                    "MALFORMED_QUERY", _at(self.text, token, f"Invalid {kind.lower()}: {text}")
                ) from None
        if kind == "STRING":
            value = _unquoted(text)
            return _eighteen(value) if found.kind in {"id", "reference"} else value
        return int(text.lower() == "true") if kind == "BOOLEAN" else float(text)

    def _sort(self, tree: object) -> str:
        path, *rest = cast("Tree[Token]", tree).children
        expression, _, _ = self._path(cast("Tree[Token]", path))
        words = [" ".join(str(word).upper().split()) for word in rest]
        direction = next((word for word in words if word in {"ASC", "DESC"}), "ASC")
        nulls = next((word for word in words if word.startswith("NULLS")), "NULLS FIRST")
        return f"{expression} {direction} {nulls}"


def _number(parts: dict[str, Tree[Token]], name: str) -> int | None:
    return int(str(parts[name].children[0])) if name in parts else None


def _unquoted(text: str) -> str:
    inner, out, position = text[1:-1], [], 0
    while position < len(inner):
        if inner[position] == "\\" and position + 1 < len(inner):
            position += 1
            if inner[position] in "uU":
                out.append(chr(int(inner[position + 1 : position + 5], 16)))
                position += 5
                continue
            out.append(ESCAPES.get(inner[position].lower(), inner[position]))
        else:
            out.append(inner[position])
        position += 1
    return "".join(out)


def _eighteen(record_id: str) -> str:
    if len(record_id) != 15:  # noqa: PLR2004  # ids have 15 or 18 characters
        return record_id
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    fives = (record_id[start : start + 5] for start in (0, 5, 10))
    return record_id + "".join(
        alphabet[sum(1 << n for n, c in enumerate(five) if "A" <= c <= "Z")] for five in fives
    )
