"""The progress of a campaign as one HTML file, which loads itself again while it is open."""

from collections.abc import Iterable
from datetime import datetime
from html import escape
from pathlib import Path

from coatline.campaign.forecast import format_time
from coatline.campaign.progress import Progress
from coatline.design.write import replace_file
from coatline.errors import InputError

LISTED = 50
"""Jobs of a list that are shown."""

STYLE = """
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; max-width: 50rem; margin: 1.5rem auto;
  padding: 0 1rem; color: #1b1f24; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; font-weight: 400; }
td.number { text-align: right; white-space: nowrap; }
progress { width: 100%; height: .9rem; accent-color: #0072b2; }
.small { color: #57606a; font-size: .85rem; } .bad { color: #a63a00; }
"""


def is_over(result: Progress) -> bool:
    """Whether nothing of a campaign is left to do."""
    return not result.running and sum(result.done.values()) == sum(result.jobs.values())


def format_page(result: Progress, moment: datetime, every: int) -> str:
    """Write the progress as HTML that needs nothing else.

    Args:
        result: how far the campaign is.
        moment: when that was.
        every: seconds after which a browser loads the file again; not once all is done.
    """
    over, name = is_over(result), escape(result.name)
    done, jobs = sum(result.done.values()), sum(result.jobs.values())
    again = "" if over else f'<meta http-equiv="refresh" content="{every}">\n'
    if over:
        left = "All done."
    elif result.end is None:
        left = "Nothing runs."
    else:
        left = f"About {format_time(result.end)} left."
    bars = "\n".join(
        f'<tr><th scope="row">{escape(rule)}</th><td class="number">{result.done[rule]} of {number}'
        f'</td><td><progress max="{number}" value="{result.done[rule]}" '
        f'aria-label="{escape(rule)}"></progress></td></tr>'
        for rule, number in result.jobs.items()
    )
    parts = [
        _list("running", (f"{job}: {who}" for job, who in result.running.items())),
        _list(
            "without a result",
            (f"{job}: {cause}: {line}" for job, (cause, line) in result.failed.items()),
            "bad",
        ),
        _list("failed simulations", result.blown_up, "bad"),
    ]
    return (
        '<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'{again}<link rel="icon" href="data:,">\n<title>{done} of {jobs}: {name}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Campaign {name}</h1>\n<p>{escape(result.head)}</p>\n"
        f"<p><b>{done} of {jobs} jobs are done.</b> {left}</p>\n"
        f"<table>\n{bars}\n</table>\n{''.join(parts)}"
        f'<p class="small">As of {moment.isoformat(sep=" ", timespec="seconds")}.</p>\n'
        "</body>\n</html>\n"
    )


def _list(title: str, lines: Iterable[str], kind: str = "") -> str:
    """A heading with a list; nothing where there is nothing."""
    rows = list(lines)
    if not rows:
        return ""
    shown = "\n".join(f'<li class="{kind}">{escape(row)}</li>' for row in rows[:LISTED])
    more = f"<p>and {len(rows) - LISTED} more</p>\n" if len(rows) > LISTED else ""
    return f"<h2>{len(rows)} {title}</h2>\n<ul>\n{shown}\n</ul>\n{more}"


def write_page(result: Progress, path: Path, every: int) -> None:
    """Write the page in one step, so that a browser never sees half of it.

    Args:
        result: how far the campaign is.
        path: HTML file; its folder is made.
        every: seconds, as of `format_page`.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        replace_file(path, format_page(result, datetime.now().astimezone(), every))
    except OSError as error:
        raise InputError(f"--html {path}: cannot be written ({error.strerror or error})") from None
