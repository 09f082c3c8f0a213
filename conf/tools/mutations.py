"""Mutants of a module: its source with one small error each, of the kinds that are made in numerical code.

- sign: a + b for a - b, x for -x, and the other bound of a comparison's sense (== for !=, `in` for `not in`).
- off by one: another number, and < for <=.
- dropped: a term, a factor, a condition, a method such as abs or clone, a statement that only does something.
- swapped: two neighbouring arguments of a call.
- reduction: mean for sum, min for max, any for all; an axis that is kept for one that is not.
- detached: a value that gradients no longer flow through, and a detach or requires_grad_ that is missing.

What says nothing about behaviour is left alone: texts, messages, annotations, decorators, assertions, tolerances,
arguments that only make a call quicker, drawing styles, and numbers that are mere choices: names in capitals that stand
for a number as it is written, such as BATCH = 64. (LOG_2 = math.log(2.0) is a formula.)
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Iterator
from types import CodeType

DETACH = "detached"  # a function that the runner defines; see `mutant_runs`
TOLERANCE = 1e-5  # numbers below it, but not 0, are tolerances
CHOICE = re.compile(r"_?[A-Z][A-Z0-9_]*")
REDUCTIONS = {
    "sum": "mean", "mean": "sum", "prod": "sum", "cumsum": "cumprod", "max": "min", "min": "max", "any": "all",
    "all": "any", "argmax": "argmin", "argmin": "argmax", "maximum": "minimum", "minimum": "maximum", "median": "mean",
    "var": "std", "std": "var",
}  # fmt: skip
BUILTIN_REDUCTIONS = {"sum": "max", "max": "min", "min": "max", "any": "all", "all": "any"}
DROPPED = {"abs", "clip", "clone", "copy", "deepcopy", "detach", "requires_grad_", "rint", "round", "sqrt", "square"}
SYMMETRIC = {"max", "min", "maximum", "minimum", "logaddexp", "union1d", "swapaxes"}
# calls whose arguments are types, names or options of a declaration
DECLARATIONS = {"isinstance", "field", "cast", "get_args"}
# options of speed, accuracy and drawing
OPTIONS = {
    "rtol", "atol", "xtol", "ftol", "gtol", "xatol", "fatol", "rcond", "maxiter", "maxfun", "fused", "retain_graph",
    "strict", "compute_uv", "hermitian", "display", "allow_pickle", "maxsize", "device", "alpha", "linewidth", "repr",
}  # fmt: skip
SHOWN = {"__repr__", "_repr_svg_"}  # functions that only show something
BOUNDS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
Slot = tuple[ast.AST, str, int | None]  # where a node stands: its parent, the field, the place in a list


@dataclasses.dataclass(frozen=True, eq=False)
class Mutant:
    """One error in one module. `before` and `after` are the statement, or its first line, without and with it."""

    module: str
    function: str  # with its class; "<module>" outside of both
    line: int
    lines: range  # of the statement
    imported: bool  # whether it runs when the module is imported
    kind: str
    before: str
    after: str
    code: Callable[[], CodeType] = dataclasses.field(repr=False)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names a mutant as long as its statement is not changed."""
        return self.module, self.function, self.before, self.after

    @property
    def cuts(self) -> bool:
        """Whether it cuts off a gradient, if there is one; another of its kind lets one through."""
        return self.kind == "detached" and f"{DETACH}(" in self.after

    def __str__(self) -> str:
        return f"{self.module}:{self.line}  {self.before}  ->  {self.after}"


def mutants(module: str, source: str, path: str) -> list[Mutant]:
    """All mutants of a module's source, in the order of its lines; `path` is what tracebacks show."""
    walk = _Walk(module, ast.parse(source), path)
    walk.visit(walk.tree, "<module>", walk.tree)
    return sorted(walk.found, key=lambda mutant: mutant.line)


class _Walk:
    """Goes through the tree and notes what could be wrong at each node."""

    def __init__(self, module: str, tree: ast.Module, path: str) -> None:
        self.module, self.tree, self.path = module, tree, path
        self.functions = 0  # how many enclose the place
        self.tensors = False  # whether this function has to do with tensors, through which gradients may flow
        self.found: list[Mutant] = []
        self.seen: set[tuple[ast.AST, str]] = set()

    def visit(self, node: ast.AST, function: str, statement: ast.AST) -> None:
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "bases"):
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.Dict) and field == "values" and _is_option(node.keys[index or 0]):
                    continue
                if isinstance(child, ast.AST) and not _says_nothing(child):
                    self._at((node, field, index), child, function, statement)

    def _at(self, slot: Slot, node: ast.AST, function: str, statement: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            statement = node
        for kind, replacement in _errors(node, self.tensors):
            self._note(slot, node, replacement, kind, function, statement)
        inside = function
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            inside = node.name if function == "<module>" else f"{function}.{node.name}"
        if isinstance(node, ast.FunctionDef):  # defaults are read where the function is defined
            self.visit(node.args, function, statement)
            outside, self.tensors = self.tensors, self.tensors or _names_tensors(node)
            self.functions += 1
            for index, child in enumerate(node.body):
                if not _says_nothing(child):
                    self._at((node, "body", index), child, inside, child)
            self.tensors, self.functions = outside, self.functions - 1
        else:
            self.visit(node, inside, statement)

    def _note(
        self, slot: Slot, node: ast.AST, replacement: ast.AST, kind: str, function: str, statement: ast.AST
    ) -> None:
        ast.copy_location(replacement, node)
        before = _head(statement)
        with_it = replacement if node is statement else statement
        _put(slot, replacement)
        after = _head(with_it)
        _put(slot, node)
        if after == before or (statement, after) in self.seen:
            return
        self.seen.add((statement, after))

        def code() -> CodeType:
            _put(slot, replacement)
            try:
                return compile(ast.fix_missing_locations(self.tree), self.path, "exec", dont_inherit=True)
            finally:
                _put(slot, node)

        assert isinstance(node, ast.stmt | ast.expr) and isinstance(statement, ast.stmt)
        imported = self.functions == 0
        self.found.append(
            Mutant(self.module, function, node.lineno, _span(statement), imported, kind, before, after, code)
        )


def _names_tensors(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Name) and node.id in ("torch", "Tensor") for node in ast.walk(function))


def _put(slot: Slot, node: ast.AST) -> None:
    parent, field, index = slot
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _head(statement: ast.AST) -> str:
    """The statement as text; of one with a body, its first line."""
    lines = ast.unparse(ast.fix_missing_locations(statement)).splitlines()
    return next(line for line in lines if not line.startswith("@")) if hasattr(statement, "body") else "\n".join(lines)


def _span(statement: ast.stmt) -> range:
    """The lines of the statement, without those of its body."""
    body = getattr(statement, "body", None)
    return range(statement.lineno, body[0].lineno if body else (statement.end_lineno or statement.lineno) + 1)


def _is_option(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and key.value in OPTIONS


def _says_nothing(node: ast.AST) -> bool:
    match node:
        case ast.Raise() | ast.Assert() | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
        case ast.keyword(arg=str() as name):
            return name in OPTIONS
        case ast.FunctionDef(name=name):
            return name in SHOWN
        case ast.Call(func=function):
            return _name(function) in DECLARATIONS
        case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=value):
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            chosen = all(isinstance(name, ast.Name) and CHOICE.fullmatch(name.id) for name in names)
            return chosen and value is not None and _written_out(value)
    return False


def _written_out(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError):
        # a dictionary of styles may call for its colours; what is mapped is drawn
        return isinstance(value, ast.Dict) and all(isinstance(key, ast.Constant) for key in value.keys)
    return True


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _errors(node: ast.AST, tensors: bool) -> Iterator[tuple[str, ast.AST]]:
    """What could stand in place of the node: kind, other node."""
    match node:
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            yield "dropped", ast.Pass()
            if isinstance(node, ast.AugAssign):
                for operator in _other_sign(node.op):
                    yield "sign", ast.AugAssign(node.target, operator, node.value)
        case ast.Assign(value=value) | ast.Return(value=value) if tensors:
            if isinstance(value, ast.Call | ast.BinOp | ast.UnaryOp):
                detached = ast.Call(ast.Name(DETACH, ast.Load()), [value], [])
                if isinstance(node, ast.Assign):
                    yield "detached", ast.Assign(node.targets, detached)
                else:
                    yield "detached", ast.Return(detached)
        case ast.Constant(value=bool() as value):
            yield "reduction", ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            if value == 0 or abs(value) >= TOLERANCE:
                yield "off by one", ast.Constant(value + 1)
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            yield "sign", operand
        case ast.BinOp():
            yield from _other_terms(node)
        case ast.BoolOp(op=operator, values=values):
            yield "sign", ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
            for index in range(len(values)):
                rest = values[:index] + values[index + 1 :]
                yield "dropped", rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest)
        case ast.Compare(left=left, ops=operators, comparators=others):
            for index, bound in enumerate(operators):
                changed = [*operators[:index], BOUNDS[type(bound)](), *operators[index + 1 :]]
                kind = "off by one" if isinstance(bound, ast.Lt | ast.LtE | ast.Gt | ast.GtE) else "sign"
                yield kind, ast.Compare(left, changed, others)
        case ast.Call():
            yield from _other_calls(node)


def _other_sign(operator: ast.operator) -> list[ast.operator]:
    signs: dict[type[ast.operator], ast.operator] = {ast.Add: ast.Sub(), ast.Sub: ast.Add()}
    return [signs[type(operator)]] if type(operator) in signs else []


def _other_terms(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    left, operator, right = node.left, node.op, node.right
    if any(isinstance(side, ast.JoinedStr | ast.Constant) and not _is_number(side) for side in (left, right)):
        return  # a text
    lists = isinstance(left, ast.List | ast.ListComp) or isinstance(right, ast.List | ast.ListComp)
    if not lists:
        for other in _other_sign(operator):
            yield "sign", ast.BinOp(left, other, right)
    yield "dropped", left
    if isinstance(operator, ast.Sub):
        yield "dropped", ast.UnaryOp(ast.USub(), right)
    elif not isinstance(operator, ast.Pow | ast.Div | ast.FloorDiv | ast.Mod | ast.LShift | ast.RShift):
        yield "dropped", right
    if isinstance(operator, ast.MatMult):
        yield "swapped", ast.BinOp(right, operator, left)
    if isinstance(operator, ast.BitAnd | ast.BitOr) and not lists:
        yield "sign", ast.BinOp(left, ast.BitOr() if isinstance(operator, ast.BitAnd) else ast.BitAnd(), right)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _other_calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    name, arguments = _name(node.func), node.args
    renamed = (REDUCTIONS if isinstance(node.func, ast.Attribute) else BUILTIN_REDUCTIONS).get(name)
    if renamed and isinstance(node.func, ast.Attribute):
        yield "reduction", ast.Call(ast.Attribute(node.func.value, renamed, ast.Load()), arguments, node.keywords)
    elif renamed:
        yield "reduction", ast.Call(ast.Name(renamed, ast.Load()), arguments, node.keywords)
    if name in DROPPED and isinstance(node.func, ast.Attribute):
        module = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "torch", "math", "copy")
        kind = "detached" if name in ("detach", "requires_grad_") else "dropped"
        yield kind, arguments[0] if module else node.func.value
    elif name in DROPPED and arguments:
        yield "dropped", arguments[0]
    if name in SYMMETRIC:
        return
    for index in range(len(arguments) - 1):
        first, second = arguments[index : index + 2]
        texts = any(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in (first, second))
        if texts or isinstance(first, ast.Starred) or isinstance(second, ast.Starred):
            continue
        swapped = [*arguments[:index], second, first, *arguments[index + 2 :]]
        yield "swapped", ast.Call(node.func, swapped, node.keywords)
