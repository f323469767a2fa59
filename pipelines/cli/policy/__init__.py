"""`niji policy …`: check, explain, compare, sign, foresee. One file a command; `place.py` finds the folder.

Starts fast on purpose: nothing of the data machinery is imported here.
"""

import typer

from pipelines.cli.policy.check import check
from pipelines.cli.policy.decide import decide
from pipelines.cli.policy.dry_run import dry_run
from pipelines.cli.policy.explain import explain

app = typer.Typer(
    help="Check policy files against the law and the house rules, and explain them.", no_args_is_help=True
)
app.command(
    epilog="Examples: niji policy check policies  ·  niji policy check policies/releases/admissions.yaml --json"
)(check)
app.command(
    epilog="Examples: niji policy explain policies/releases/admissions.yaml  ·  niji policy explain policies --language en"
)(explain)
app.command(
    epilog="Examples: niji policy decide policies/releases/admissions.yaml request.yaml  ·  niji policy decide policies/releases/admissions.yaml request.yaml --on 2026-12-01 --json"
)(decide)
app.command(
    epilog="Examples: niji policy dry-run admissions-anonymized  ·  niji policy dry-run changed.yaml --language en --json"
)(dry_run)
