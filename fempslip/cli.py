"""The words: ``fempslip run``, ``batch``, ``check``, ``view``, ``post``, ``cases``, ``init``, ``schema`` and
``verify``.

Only the standard library is imported when this module loads, so that ``fempslip --help`` answers at once; each word
imports the rooms it needs.  The number of threads is settled before numpy and numba load, which read it only then.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

EXIT_CODES = """\
exit codes:
  0    done, and every expectation of the case was met
  1    done, but an expectation was not met
  2    the case, the folder or the command line is wrong
  3    the run could not go on; it is kept up to that point
  130  interrupted; the run is kept up to that point
"""
DONE, UNMET, WRONG, FAILED, INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the command ``fempslip``: does what ``argv`` says and returns the exit code."""
    words = parser().parse_args(argv)
    pin_threads()
    warnings.showwarning = _say_warning
    try:
        return int(words.act(words))
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except Exception as error:
        return explain_error(error)


def pin_threads() -> None:
    """One thread for BLAS and for the solver's own kernels.

    The matrices are sparse: BLAS threads gain nothing, and slow a busy machine down many times over.  A fixed number
    of threads is also what makes a resumed run equal to an uninterrupted one, bit for bit.
    """
    for library in ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "VECLIB_MAXIMUM", "NUMBA_NUM"):
        os.environ[f"{library}_THREADS"] = "1"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _say_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    # Warnings of the solver are for the person at the terminal, those about code are for whoever writes it.
    if issubclass(category, UserWarning):
        say(f"warning: {message}")


def explain_error(error: Exception) -> int:
    """Says what went wrong on standard error and returns the exit code.  A traceback means a bug of the program."""
    from fempslip.contract import Failure, Refusal

    if isinstance(error, Refusal | Failure):
        say(str(error))
        return WRONG if isinstance(error, Refusal) else FAILED
    if isinstance(error, OSError):
        say(f"fempslip: {error}")
        return FAILED if _disk_is_full(error) else WRONG
    import traceback

    traceback.print_exc()
    say("fempslip: this is a bug of the program, not of your case; please report it with the lines above")
    return FAILED


def _disk_is_full(error: OSError) -> bool:
    import errno

    return error.errno in (errno.ENOSPC, errno.EDQUOT)


# ------------------------------------------------------------------------------------------------------ run


def act_run(words: argparse.Namespace) -> int:
    from fempslip.run.progress import progress_line
    from fempslip.run.running import report

    folder, work = _continued(words) if words.resume else _new(words)
    with _kept(folder), progress_line(words.quiet) as progress:
        run = work(progress)
    print(report(run))
    return verdict(run.summary or {})


Work = Callable[[Callable[[float, str], None]], Any]


def _new(words: argparse.Namespace) -> tuple[Path, Work]:
    from fempslip.case import load
    from fempslip.run.running import solve

    if words.case is None:
        raise _refusal("fempslip run: name a case (`fempslip cases` lists those delivered) or a run: --resume DIR")
    until = {"time.until": words.until} if words.until else {}
    case = load(words.case, dict(words.set) | until)
    folder = words.into or free_folder(Path("runs"), case.name)

    def started() -> None:
        say(f"{case.name}: results go to {folder}")

    return folder, lambda progress: solve(case, folder, progress, words.pictures, started)


def _continued(words: argparse.Namespace) -> tuple[Path, Work]:
    from fempslip.run.running import resume

    if words.case is not None or words.set or words.into is not None:
        raise _refusal("fempslip run --resume DIR goes on with the case in DIR: only --until may be changed")
    folder = words.resume
    return folder, lambda progress: resume(folder, until=words.until, progress=progress, pictures=words.pictures)


def _refusal(message: str) -> Exception:
    from fempslip.contract import Refusal

    return Refusal(message)


@contextmanager
def _kept(folder: Path) -> Iterator[None]:
    """Says where the run is that was cut short, and how to go on with it."""
    from fempslip.contract import Failure

    try:
        yield
    except (KeyboardInterrupt, Failure) as cut:
        if folder.exists():
            again = f"; go on with: fempslip run --resume {folder}" if isinstance(cut, KeyboardInterrupt) else ""
            say(f"the run up to here is kept in {folder}{again}")
        raise


def free_folder(parent: Path, name: str) -> Path:
    """``parent/name``, or ``parent/name-2``, ``-3``, ... if there are such already."""
    folder, number = parent / name, 1
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder


def verdict(summary: Mapping[str, Any]) -> int:
    """Exit code of a run, from its summary: how it ended, then whether it met its expectations."""
    ended = {"stopped": INTERRUPTED, "failed": FAILED}.get(summary.get("status", ""), DONE)
    met = all(expectation["ok"] for expectation in summary.get("expect", ()))
    return ended or (DONE if met else UNMET)


# ------------------------------------------------------------------------------------------------------ batch


def act_batch(words: argparse.Namespace) -> int:
    from fempslip.case import load
    from fempslip.run.batch import batch
    from fempslip.run.families import conclude
    from fempslip.run.pool import cluster, processes
    from fempslip.run.progress import progress_line

    case = load(words.case, dict(words.set))
    folder = words.into or Path("runs") / case.name
    say(f"{case.name}: results go to {folder}")
    workers = cluster(words.scheduler) if words.scheduler else processes(words.workers or usable_cores())
    try:
        with workers as (executor, stop), progress_line(words.quiet) as progress:
            table = batch(case, None, folder, executor, progress, words.replace, stop)
    except KeyboardInterrupt:
        say(f"what was solved is kept in {folder}; the same command goes on")
        raise
    summary = conclude(case, table, folder)
    print(batch_report(summary, folder))
    return FAILED if summary["failed"] else verdict(summary)


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def batch_report(summary: Mapping[str, Any], folder: Path) -> str:
    """What a batch gave, in lines."""
    done = summary["runs"] - summary["failed"]
    failed = f" {summary['failed']} failed; their messages are in the table." if summary["failed"] else ""
    judged = [
        f"{e['name']} = {e['value']}, wanted {e['wanted']} +- {e['tolerance']}: {'met' if e['ok'] else 'not met'}"
        for e in summary["expect"]
    ]
    return "\n".join([f"{done} of {summary['runs']} runs finished.{failed}", *judged, f"Table: {folder / 'table.csv'}"])


# ------------------------------------------------------------------------------------------------------ the others


def act_check(words: argparse.Namespace) -> int:
    from fempslip.case import load
    from fempslip.run.check import explain

    print(explain(load(words.case, dict(words.set))))
    return DONE


def act_view(words: argparse.Namespace) -> int:
    from fempslip.store import open_run
    from fempslip.view.scenes import show

    if words.web:
        from fempslip.view.web import serve

        say("Ctrl-C ends it")
        serve(open_run(words.folder), words.port)
        return DONE
    for line in lines(show(open_run(words.folder), words.output)):
        print(line)
    return DONE


def act_post(words: argparse.Namespace) -> int:
    from fempslip.run.progress import progress_line
    from fempslip.run.recipes import post

    with progress_line(words.quiet) as progress:
        between = (place(words.between[0]), place(words.between[1])) if words.between else None
        found = post(words.folder, words.recipes, progress=progress, between=between)
    for line in lines(found):
        print(line)
    return DONE


def place(word: str) -> str | list[float]:
    """A name, or a point in xi: "2,1.5" or "(-2,1.5)", which does not look like an option, -> [-2.0, 1.5]."""
    try:
        return [float(part) for part in word.strip("()").split(",")]
    except ValueError:
        return word


def lines(answer: object, name: str = "") -> list[str]:
    """An answer of a room as lines: ``{"voltage": {"mean": 0.2}}`` -> ``voltage.mean = 0.2``; a list line by line."""
    if answer is None and not name:
        return []
    if isinstance(answer, Mapping):
        return [line for key, value in answer.items() for line in lines(value, f"{name}.{key}" if name else str(key))]
    if isinstance(answer, list | tuple) and not name:
        return [str(part) for part in answer]
    return [f"{name} = {answer}" if name else str(answer)]


def act_cases(words: argparse.Namespace) -> int:
    from fempslip.case.drawers import delivered

    files = {name: Path(path) for name, path in delivered(words.drawer).items()}
    if words.name is None:
        print("\n".join(f"{name:<28} {one_line(files[name].read_text('utf-8'))}".rstrip() for name in sorted(files)))
    elif words.name in files:
        print(files[words.name].read_text("utf-8"), end="")
    else:
        raise _refusal(f"no file '{words.name}' in {words.drawer}; there are: {', '.join(sorted(files))}")
    return DONE


def one_line(text: str) -> str:
    """What a delivered file is, in one line: its title, or else its first comment."""
    lines = text.splitlines()
    titles = [line.removeprefix("title:").strip(" \"'") for line in lines if line.startswith("title:")]
    comments = [line.lstrip("# ").rstrip() for line in lines if line.startswith("#")]
    return next(iter(titles + comments), "")


def act_schema(words: argparse.Namespace) -> int:
    import json

    from fempslip.case import json_schema

    print(json.dumps(json_schema(), indent=1))
    return DONE


def act_init(words: argparse.Namespace) -> int:
    from fempslip.case.starting import write

    for path in write(words.folder):
        print(path)
    say(f"try: fempslip check {words.folder / 'case.yaml'}")
    return DONE


def act_verify(words: argparse.Namespace) -> int:
    from fempslip.run.verify import main as verify

    return int(verify() or DONE)


# ------------------------------------------------------------------------------------------------------ the grammar


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    from fempslip import __version__

    about = "Vortices and phase slips in superconductors: time-dependent Ginzburg-Landau on finite elements."
    top = argparse.ArgumentParser(
        prog="fempslip",
        description=about,
        epilog="`fempslip WORD --help` explains a word and gives examples.\n\n" + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"fempslip {__version__}")
    words = top.add_subparsers(metavar="WORD", required=True, title="words")
    for add in (
        _add_run,
        _add_batch,
        _add_check,
        _add_view,
        _add_post,
        _add_cases,
        _add_init,
        _add_schema,
        _add_verify,
    ):
        add(words)
    return top


def _add_run(words: Any) -> None:
    run = _word(words, "run", act_run, "solve a case; store and draw the run", RUN_EXAMPLES + "\n" + EXIT_CODES)
    run.add_argument("case", metavar="CASE", nargs="?", help="name of a delivered case, or a case file")
    run.add_argument(
        "--into", metavar="DIR", type=Path, help="folder of the run (default: runs/CASE, runs/CASE-2, ...)"
    )
    _add_set(run)
    run.add_argument("--resume", metavar="DIR", type=Path, help="go on with a run that was cut short or has finished")
    run.add_argument("--until", metavar="TIME", help='end of the simulated time, e.g. "800 tau"')
    run.add_argument("--quiet", action="store_true", help="no progress line")
    run.add_argument("--no-pictures", dest="pictures", action="store_false", help="no pictures and movies")


RUN_EXAMPLES = """\
examples:
  fempslip run film_vortex_flow
  fempslip run my_case.yaml --into runs/first
  fempslip run film_vortex_flow --set drive.field="60 mT" --set mesh.size="0.4 xi"
  fempslip run --resume runs/film_vortex_flow --until "800 tau"
"""


def _add_batch(words: Any) -> None:
    batch = _word(words, "batch", act_batch, "solve a case at every point of its sweep", BATCH_EXAMPLES + EXIT_CODES)
    batch.add_argument("case", metavar="CASE", help="name of a delivered case with a sweep, or a case file")
    batch.add_argument("--into", metavar="DIR", type=Path, help="folder of the batch (default: runs/CASE)")
    batch.add_argument("--workers", metavar="N", type=int, help="processes at a time (default: one a core)")
    batch.add_argument("--scheduler", metavar="ADDRESS", help="a dask scheduler to run on, e.g. tcp://host:8786")
    batch.add_argument("--replace", action="store_true", help="solve points anew whose case has changed since")
    batch.add_argument("--quiet", action="store_true", help="no progress line")
    _add_set(batch)


BATCH_EXAMPLES = """\
The same command goes on with a batch that was cut short; what is finished is not run again.

examples:
  fempslip batch iv_curve
  fempslip batch my_sweep.yaml --workers 4 --into runs/family
  fempslip batch my_sweep.yaml --scheduler tcp://head:8786

"""


def _add_check(words: Any) -> None:
    examples = "examples:\n  fempslip check film_vortex_flow\n  fempslip check my_case.yaml --set mesh.size=0.3\n"
    check = _word(words, "check", act_check, "explain a case without solving it", examples)
    check.add_argument("case", metavar="CASE", help="name of a delivered case, or a case file")
    _add_set(check)


def _add_view(words: Any) -> None:
    examples = (
        "examples:\n  fempslip view runs/film_vortex_flow\n  fempslip view runs/ring -o ring.png\n"
        "  fempslip view runs/film_vortex_flow --web\n"
    )
    view = _word(words, "view", act_view, "show a run, or draw it where there is no screen", examples)
    view.add_argument("folder", metavar="DIR", type=Path, help="folder of a run")
    view.add_argument("-o", "--output", metavar="FILE", type=Path, help="picture to write (.png, .html)")
    view.add_argument("--web", action="store_true", help="show it in a browser, with a slider over its frames")
    view.add_argument("--port", metavar="N", type=int, default=0, help="port of --web (default: a free one)")


def _add_post(words: Any) -> None:
    examples = (
        "examples:\n  fempslip post runs/film_vortex_flow voltage snapshot\n"
        "  fempslip post runs/film_vortex_flow --between upstream 5,0\n  fempslip cases --drawer postprocess\n"
    )
    post = _word(words, "post", act_post, "read recipes off a stored run", examples)
    post.add_argument("folder", metavar="DIR", type=Path, help="folder of a run")
    post.add_argument("recipes", metavar="RECIPE", nargs="*", help="names of recipes (default: those of the case)")
    post.add_argument(
        "--between",
        nargs=2,
        metavar=("A", "B"),
        help='the voltage ledger of two other places: names of probes or boundaries, or points in xi, "(-5,0)"',
    )
    post.add_argument("--quiet", action="store_true", help="no progress line")


def _add_cases(words: Any) -> None:
    examples = (
        "examples:\n  fempslip cases\n  fempslip cases wire_weak_spot > my_case.yaml\n"
        "  fempslip cases --drawer geometries film_two_terminals\n"
    )
    cases = _word(words, "cases", act_cases, "list the delivered cases, or print one", examples)
    cases.add_argument("name", metavar="NAME", nargs="?", help="print this file")
    drawers = ("cases", "geometries", "postprocess")
    cases.add_argument("--drawer", choices=drawers, default="cases", help="where to look (default: cases)")


def _add_init(words: Any) -> None:
    examples = "examples:\n  fempslip init my_film\n  fempslip run my_film/case.yaml\n"
    init = _word(words, "init", act_init, "write a geometry and a case to start from", examples)
    init.add_argument("folder", metavar="DIR", type=Path, help="folder for the files; it is made if there is none")


def _add_schema(words: Any) -> None:
    examples = "examples:\n  fempslip schema > case.schema.json\n"
    _word(words, "schema", act_schema, "print the JSON Schema of case files, for editors", examples)


def _add_verify(words: Any) -> None:
    examples = "examples:\n  fempslip verify\n"
    _word(words, "verify", act_verify, "print the observed orders of convergence in space and time", examples)


def _word(words: Any, name: str, act: Callable[..., int], about: str, epilog: str) -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    word = words.add_parser(
        name, help=about, description=f"{about[0].upper()}{about[1:]}.", epilog=epilog, formatter_class=raw
    )
    word.set_defaults(act=act)
    return word


def _add_set(word: argparse.ArgumentParser) -> None:
    about = 'set a value of the case by its path, e.g. drive.field="60 mT"; may be repeated'
    word.add_argument("--set", metavar="PATH=VALUE", type=setting, action="append", default=[], help=about)


def setting(text: str) -> tuple[str, str]:
    """``"drive.field=60 mT"`` -> ``("drive.field", "60 mT")``; a list is written ``[a, b]``, a mapping ``{a: b}``."""
    path, equals, value = text.partition("=")
    if not (equals and path.strip() and value.strip()):
        raise argparse.ArgumentTypeError(f"'{text}' is not PATH=VALUE")
    return path.strip(), value.strip()


if __name__ == "__main__":
    sys.exit(main())
