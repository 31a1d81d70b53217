"""What is wrong with the flags of `nscr gate` together, found before the first request: a walk may take hours."""

from nscr_cli.commands.gate_options import Format
from nscr_cli.errors import UsageError
from nscr_cli.gate.demands import Demands


def check_together(
    *,
    torture: list[str] | None,
    only_for_torture: dict[str, str | None],
    seed: int | None,
    demands: Demands,
    as_json: bool,
    format_: Format,
) -> None:
    """No flag is without effect, and none contradicts another.

    Args:
        only_for_torture: flags that say something about a torture, with what they say.

    Raises:
        UsageError: one is or does.
    """
    for option, said in only_for_torture.items():
        if said is not None and not torture:
            raise UsageError(f"{option} without --torture", hint="add --torture SCENARIO, or leave it out")
    if seed is not None and demands.sample_percent is None:
        raise UsageError("--seed without --sample", hint="add --sample N%, whose blobs it chooses, or leave it out")
    if as_json and format_ not in (Format.AUTO, Format.JSON):
        raise UsageError(f"--json and --format {format_}", hint="choose one of them")
