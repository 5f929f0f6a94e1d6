"""Django's test runner, which takes down what each test came to."""

from __future__ import annotations

import unittest
from typing import Any

from django.test.runner import DiscoverRunner

from . import committing, reads

failures: dict[str, str] = {}
totals = {"tests": 0, "skipped": 0}


class Result(unittest.TextTestResult):
    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        reads.test = test.id()
        super().startTest(test)

    def printErrors(self) -> None:  # noqa: N802
        """The report has them."""


class Runner(DiscoverRunner):
    """Takes down which tests failed."""

    def get_resultclass(self) -> Any:
        return Result

    def run_suite(self, suite: Any, **kwargs: Any) -> Any:
        committing.remember()
        return super().run_suite(suite, **kwargs)

    def suite_result(self, suite: Any, result: Any, **kwargs: Any) -> int:
        totals.update(tests=result.testsRun, skipped=len(result.skipped))
        for test, trace in [*result.failures, *result.errors]:
            failures[getattr(test, "test_case", test).id()] = trace[-4000:]
        for test in result.unexpectedSuccesses:
            failures[test.id()] = "It passed and was expected to fail."
        return super().suite_result(suite, result, **kwargs)
