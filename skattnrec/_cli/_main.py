"""The arguments of the command line, and what becomes of errors."""

from __future__ import annotations

import os
import sys
import warnings
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__
from ._compare import compare
from ._models import MODELS
from ._ratings import DATA_VARIABLE, MOVIELENS, REPEATS
from ._recommend import recommend

__all__ = ["main"]

_ERROR, _INTERRUPTED = 2, 130
_WIDE = partial(RawDescriptionHelpFormatter, max_help_position=27, width=96)

_DATA_HELP = f"""\
ratings:
  A text file (columns separated by commas, tabs, semicolons, vertical bars or ::, compressed
  or not), a .parquet file, or a data set known by name:
  synthetic, {", ".join(MOVIELENS)}.
  MovieLens data are downloaded unless they are in --data-home, or in the folder that the
  environment variable {DATA_VARIABLE} names, or its subfolder raw.

  Columns called user, user_id, userId, ... item, item_id, movieId, product_id, ... rating,
  stars, ... timestamp, date, ... are found by themselves. A file whose first line holds
  numbers and none of these has no header: its columns are user, item, rating and time, or the
  positions that --user, --item, --rating and --time give, from 1 on. Without a column of
  ratings every line counts 1. Times are numbers or ISO 8601 dates.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments; None means those of the process.

    Returns
    -------
    int
        Exit status: 0, 2 after an error, which is told in one line on stderr, 130 after Ctrl-C.

    Raises
    ------
    SystemExit
        As argparse does, for ``--help``, ``--version`` and wrong arguments (status 2).
    """
    options = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _tell_once(set())
            options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\nskattnrec: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, MemoryError, ImportError) as error:
        print(_error_line(str(error) or type(error).__name__), file=sys.stderr)
        return _ERROR
    return 0


def _error_line(message: str) -> str:
    return f"skattnrec: error: {' '.join(message.split())}"


def _tell_once(told: set[str]) -> Callable[..., None]:
    """Make a printer of warnings, each in one line and once, not once for every fold."""

    def tell(message: Warning | str, *where: Any, **options: Any) -> None:
        if str(message) not in told:
            told.add(str(message))
            print(f"skattnrec: warning: {' '.join(str(message).split())}", file=sys.stderr)

    return tell


class _Parser(ArgumentParser):
    """A parser whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(_ERROR, f"{_error_line(message)} (see {self.prog} --help)\n")


def _parser() -> ArgumentParser:
    parser = _Parser(
        prog="skattnrec",
        description="Attention recommenders and collaborative filtering on your ratings.",
        formatter_class=_WIDE,
    )
    parser.add_argument("--version", action="version", version=f"skattnrec {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_compare(commands)
    _add_recommend(commands)
    return parser


def _add_compare(commands: Any) -> None:
    parser = commands.add_parser(
        "compare",
        help="cross-validate all recommenders, then heads and temperature of attention",
        description="Cross-validate all recommenders on the same users and hidden ratings, then\n"
        "multi-head attention over a grid of heads and temperatures. Prints both tables and\n"
        "writes leaderboard.csv, pairs.csv (all differences), grid.csv and grid.png.",
        epilog=_DATA_HELP,
        formatter_class=_WIDE,
    )
    _add_ratings(parser, nargs="?", default="synthetic", help="default: synthetic; see below")
    _add_evaluation(parser)
    _add_shared(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="folder for the files, made if need be (default: %(default)s)",
    )
    parser.set_defaults(run=compare)


def _add_evaluation(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("evaluation").add_argument
    add("--k", type=int, default=10, help="cutoff of NDCG (default: %(default)s)")
    add(
        "--relevance-threshold",
        type=float,
        metavar="R",
        help="hidden ratings from here on are liked, which is what lists are judged by "
        "(default: 4 for synthetic and MovieLens, otherwise any above 0)",
    )
    add(
        "--hide",
        choices=["random", "last"],
        help="what of each test user is hidden and has to be found: the last rating, with times "
        "told to the models, or a random fifth, without times (default: last if there are times)",
    )
    add("--folds", type=int, default=5, help="folds of users (default: %(default)s)")
    add(
        "--heads",
        type=_list_of(int),
        default=[1, 2, 3],
        metavar="H,H,...",
        help="numbers of heads in the grid (default: 1,2,3)",
    )
    add(
        "--temperatures",
        type=_list_of(float),
        default=[0.5, 1.0, 2.0, 4.0, float("inf")],
        metavar="T,T,...",
        help="temperatures in the grid, in spreads of the ratings; inf weighs all ratings alike "
        "(default: 0.5,1,2,4,inf)",
    )
    add(
        "--n-jobs",
        type=int,
        metavar="N",
        help="processes (default: 1; more make the seconds less comparable)",
    )


def _add_recommend(commands: Any) -> None:
    parser = commands.add_parser(
        "recommend",
        help="fit one recommender and list the best new items for every user",
        description="Fit one recommender and list the best items that each user does not have "
        "yet,\nas a table with the columns user, item, rank and score.",
        epilog=_DATA_HELP,
        formatter_class=_WIDE,
    )
    _add_ratings(parser, help="see below")
    model = parser.add_argument_group("model")
    add = model.add_argument
    add(
        "--model",
        choices=MODELS,
        default="attention",
        metavar="NAME",
        help=f"one of {', '.join(MODELS)} (default: %(default)s); sequential needs times",
    )
    add(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a parameter of the model, such as temperature=2; may be repeated",
    )
    add("--k", type=int, default=10, help="items per user (default: %(default)s)")
    _add_shared(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="where to write, .csv or .parquet (default: CSV to standard output)",
    )
    parser.set_defaults(run=recommend)


def _add_ratings(parser: ArgumentParser, **options: Any) -> None:
    parser.add_argument("ratings", metavar="RATINGS", **options)
    columns = parser.add_argument_group("columns of a file")
    for role in ("user", "item", "rating", "time"):
        optional = ", or none to ignore it" if role in ("rating", "time") else ""
        columns.add_argument(f"--{role}", metavar="COLUMN", help=f"column of the {role}{optional}")
    columns.add_argument(
        "--no-header",
        dest="has_header",
        action="store_const",
        const=False,
        help="the first line is data; name columns by position, from 1 on",
    )
    columns.add_argument(
        "--sep",
        type=_separator,
        metavar="TEXT",
        help="what separates columns, such as ';', '::' or tab (default: found out)",
    )
    columns.add_argument(
        "--repeats",
        choices=REPEATS,
        default="last",
        help="of lines with the same user and item the latest rating counts, or their sum, mean or "
        "maximum (default: %(default)s)",
    )


def _add_shared(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--random-state", type=int, default=0, metavar="SEED", help="default: %(default)s")
    add("--data-home", type=Path, metavar="DIR", help="where MovieLens data are, or are put")


def _separator(text: str) -> str:
    """Read what separates columns; a tab is hard to type."""
    separator = {"tab": "\t", r"\t": "\t"}.get(text.lower(), text)
    if not separator:
        raise ArgumentTypeError("must not be empty")
    return separator


def _list_of(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """Make a reader of distinct values separated by commas."""

    def read(text: str) -> list[Any]:
        try:
            return sorted({kind(part) for part in text.split(",")})
        except ValueError:
            raise ArgumentTypeError(
                f"must be numbers separated by commas ({kind.__name__}), got {text!r}"
            ) from None

    return read
