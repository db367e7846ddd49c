"""Formulas through the solver's C interface: its Python classes check and wrap every part, which is slow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import z3

Ast = Any
"""Formula in the C interface. It lasts as long as a `z3.BoolRef` that it is part of."""


def conjunction(parts: Sequence[z3.BoolRef]) -> z3.BoolRef:
    """Return the conjunction of at least one part; all of one context."""
    context = parts[0].ctx
    return z3.BoolRef(z3.Z3_mk_and(context.ref(), len(parts), _array(parts)), context)


def disjunction(parts: Sequence[z3.BoolRef]) -> z3.BoolRef:
    """Return the disjunction of at least one part; all of one context."""
    context = parts[0].ctx
    return z3.BoolRef(z3.Z3_mk_or(context.ref(), len(parts), _array(parts)), context)


def equality(first: z3.BoolRef, second: z3.BoolRef) -> z3.BoolRef:
    """Return the formula: both are true or both are false."""
    context = first.ctx
    return z3.BoolRef(z3.Z3_mk_eq(context.ref(), first.as_ast(), second.as_ast()), context)


def negation(part: z3.BoolRef) -> z3.BoolRef:
    """Return the formula: the part is false."""
    return z3.BoolRef(z3.Z3_mk_not(part.ctx.ref(), part.as_ast()), part.ctx)


def number(context: z3.Context, ast: Ast) -> int:
    """Return the same number as `get_id`."""
    return int(z3.Z3_get_ast_id(context.ref(), ast))


def parts_of(context: z3.Context, ast: Ast) -> list[Ast]:
    """Return the parts in order; none for a variable or a constant."""
    reference = context.ref()
    application = z3.Z3_to_app(reference, ast)
    return [
        z3.Z3_get_app_arg(reference, application, place)
        for place in range(z3.Z3_get_app_num_args(reference, application))
    ]


def holds(model: z3.ModelRef, formula: z3.BoolRef) -> bool:
    """Return whether the formula is true in the model; a variable that the model leaves open counts as false."""
    value = (z3.Ast * 1)()
    reference = model.ctx.ref()
    z3.Z3_model_eval(reference, model.model, formula.as_ast(), True, value)
    return bool(z3.Z3_get_bool_value(reference, value[0]) == z3.Z3_L_TRUE)


def ask(solver: z3.Solver, assumed: Sequence[z3.BoolRef]) -> z3.CheckSatResult:
    """Check satisfiability under these assumptions, as `solver.check` does."""
    array = _array(assumed)
    return z3.CheckSatResult(z3.Z3_solver_check_assumptions(solver.ctx.ref(), solver.solver, len(assumed), array))


def _array(parts: Sequence[z3.BoolRef]) -> Any:
    return (z3.Ast * len(parts))(*(part.as_ast() for part in parts))
