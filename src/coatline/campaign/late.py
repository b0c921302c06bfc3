"""Electrodes that are made after the dataset: at the optimum, at recipes of choice, in rounds.

Their ids have letters of their own, so that they never meet those of the design: `o` the optimum,
`u` the user's recipes, `p` proposals of the closed loop. Only the recipes of `u` are known before
the campaign runs. Nothing heavy is imported: the rule files read this.
"""

from collections.abc import Iterable, Sequence

from coatline.design.table import Design, Sample, make_design

OPTIMUM = "o00"
"""Slurry of the optimum; its replicates are o00r1, o00r2 …"""


def list_optimum(replicates: int) -> list[str]:
    """List the samples made at the optimum, each from a slurry of its own.

    Args:
        replicates: their number; 0 gives none.
    """
    return [f"{OPTIMUM}{f'r{k}' if k else ''}c0" for k in range(replicates)]


def design_choice(recipes: Iterable[Sequence[float]], replicates: int) -> Design:
    """Design the electrodes of the user's recipes: u00c0, u00r1c0 …

    Args:
        recipes: (AM, SC, CR) in %; equal (AM, SC) share a slurry.
        replicates: slurries of each recipe; 0 makes none.
    """
    recipes = list(recipes)
    if not recipes or not replicates:
        return Design(())
    rows = make_design("recipes", recipes=recipes, replicates=replicates)
    return Design(
        tuple(
            Sample(
                f"u{row.sample[1:]}",
                f"u{row.slurry[1:]}",
                row.active_material,
                row.solid_content,
                row.compression_rate,
            )
            for row in rows
        )
    )


def name_proposal(round: int, number: int) -> str:
    """Name the sample of a proposal: p0203c0 is the third recipe of round 2.

    Args:
        round: from 1 to 99.
        number: within the round, from 1 to 99.
    """
    return f"p{round:02d}{number:02d}c0"
