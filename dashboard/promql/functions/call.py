"""What a function is given: its arguments, evaluated when it asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from dashboard.model.samples import FloatArray
from dashboard.promql.ast import Call, Expr, StringLiteral, unparenthesise
from dashboard.promql.context import Context
from dashboard.promql.matrix import Matrix, Operand
from dashboard.promql.ranges import range_windows
from dashboard.promql.windows import Windows


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call that is being evaluated."""

    call: Call
    context: Context
    evaluate: Callable[[Expr, Context], Operand]

    @property
    def count(self) -> int:
        """The number of arguments."""
        return len(self.call.arguments)

    def argument(self, number: int) -> Expr:
        """Return an argument as it was written, without parentheses around it."""
        return unparenthesise(self.call.arguments[number])

    def vector(self, number: int) -> Matrix:
        """Return the value of an argument that is an instant vector."""
        value = self.evaluate(self.call.arguments[number], self.context)
        assert isinstance(value, Matrix)  # noqa: S101 - the types were checked with the text.
        return value

    def scalar(self, number: int) -> FloatArray:
        """Return the values of an argument that is a scalar: float64[T]."""
        value = self.evaluate(self.call.arguments[number], self.context)
        assert not isinstance(value, Matrix)  # noqa: S101 - the types were checked with the text.
        return value

    def string(self, number: int) -> str:
        """Return an argument that is a string."""
        literal = self.argument(number)
        assert isinstance(literal, StringLiteral)  # noqa: S101 - the types were checked with the text.
        return literal.value

    def windows(self, number: int) -> Iterator[tuple[slice, list[Windows]]]:
        """Yield the value of an argument that is a range vector, for some of the steps at a time."""
        return range_windows(self.context, self.call.arguments[number], self.evaluate)


Function: TypeAlias = Callable[[Invocation], Operand]
