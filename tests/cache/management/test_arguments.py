"""What is wrong with an argument stands in one line: which, the value, the rule, the remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError

from planets.cache.management.commands._cache import PlainCommand

ROOT = Path(__file__).resolve().parents[3]
OURS = [name for name, app in get_commands().items() if app in ("planets.cache", "planets")]


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (
            "show_cache --watch fast",
            "--watch is 'fast', must be seconds from 0.1 to 3600. See show_cache --help.",
        ),
        ("show_cache --watch nan", "--watch is 'nan', must be seconds from 0.1 to 3600."),
        ("show_cache --limit 0", "--limit is '0', must be a whole number from 1 to 1000000."),
        ("show_cache --limit 9" + 5000 * "9", "must be a whole number from 1 to 1000000."),
        ("show_cache --format xml", "--format is 'xml', must be one of 'text', 'json'."),
        ("show_cache --key", "--key has no value, must have one."),
        ("show_cache --key a --keys b", "--keys stands beside --key, must be alone."),
        ("show_cache --nonsense", "--nonsense is no argument of this command."),
        ("show_cache --ke a", "--ke is ambiguous, must be one of --keys, --key."),
        ("warm_cache --workers 65", "--workers is '65', must be a whole number from 1 to 64."),
        ("warm_cache stones", "WHAT is 'stones', must be one of records, queries, pages."),
        ("measure_cache --threads x", "--threads is 'x', must be a whole number from 1 to 64."),
        ("measure_cache --rounds x", "--rounds is 'x', must be a whole number."),
        ("tune_cache --skew x", "--skew is 'x', must be a number."),
        ("tune_cache --memory x", "--memory is 'x', must be sizes of memory, as 8mb,64mb."),
        ("advise_cache --database x", "--database is 'x', must be one of "),
        ("invalidate_cache --dry-run=yes", "--dry-run is 'yes', must have no value."),
        ("watch_database --seconds -1", "--seconds is '-1', must be seconds from 0.1 to 604800."),
        ("make_planets 0", "N is '0', must be a whole number from 1 to 10000000."),
        ("import_planets", "FILE must be given, and is not."),
        ("seed_planets twice", "twice is no argument of this command."),
    ],
)
def test_it_is_one_line(command: str, line: str) -> None:
    name, *arguments = command.split()
    with pytest.raises(CommandError) as caught:
        call_command(name, *arguments)

    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(("--help.", "."))


@pytest.mark.parametrize("name", OURS)
def test_every_command_of_ours_says_it_so(name: str) -> None:
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, PlainCommand)


@pytest.mark.once
def test_from_a_shell_it_is_one_line_and_the_exit_status_says_failure() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "show_cache", "--watch", "fast"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "CommandError: --watch is 'fast', must be seconds from 0.1 to 3600. "
        "See manage.py show_cache --help.\n"
    )
