"""`niji policy …`: check, explain, compare, sign, foresee. One file a command; `place.py` finds the folder.

Starts fast on purpose: nothing of the data machinery is imported here.
"""

import typer

from pipelines.cli.policy.check import check
from pipelines.cli.policy.decide import decide
from pipelines.cli.policy.diff import diff
from pipelines.cli.policy.dry_run import dry_run
from pipelines.cli.policy.explain import explain
from pipelines.cli.policy.frontier import frontier
from pipelines.cli.policy.impact import impact
from pipelines.cli.policy.sign import resume, retire, sign, suspend
from pipelines.cli.policy.signer import app as signer
from pipelines.cli.policy.standing import status, verify

app = typer.Typer(
    help="Check policy files against the law and the house rules, and explain them.", no_args_is_help=True
)
app.command(
    epilog="Examples: niji policy check policies  ·  niji policy check policies/releases/admissions-anonymized.yaml --json"
)(check)
app.command(
    epilog="Examples: niji policy explain policies/releases/admissions-anonymized.yaml  ·  niji policy explain policies --language en"
)(explain)
app.command(
    epilog="Examples: niji policy diff old.yaml new.yaml  ·  niji policy diff policies --since HEAD~1 --language en"
)(diff)
app.command(
    epilog="Examples: niji policy impact policies/hierarchies/age.yaml  ·  niji policy impact policies --since HEAD~1 --home .niji --language en"
)(impact)
app.command(
    epilog="Examples: niji policy decide policies/releases/admissions-anonymized.yaml request.yaml  ·  niji policy decide policies/releases/admissions-anonymized.yaml request.yaml --on 2026-12-01 --json"
)(decide)
app.command(
    epilog="Examples: niji policy dry-run admissions-anonymized  ·  niji policy dry-run changed.yaml --language en --json"
)(dry_run)
app.command(
    epilog="Example: niji policy sign policies/releases/admissions-anonymized.yaml --role data_steward --by u-0112 --language en"
)(sign)
app.command(
    epilog="Examples: niji policy verify policies  ·  niji policy verify policies --public-key niji.pem --json"
)(verify)
app.command(epilog="Example: niji policy status --language en")(status)
app.command(
    epilog="Example: niji policy suspend policies/releases/cohort-controlled.yaml --role data_steward --by u-0112 --reason 'wrong area table'"
)(suspend)
app.command(
    epilog="Example: niji policy resume policies/releases/cohort-controlled.yaml --by u-0207 --reason 'table corrected'"
)(resume)
app.command(
    epilog="Example: niji policy retire policies/releases/cohort-controlled.yaml --by u-0207 --reason 'the study has ended'"
)(retire)
app.add_typer(signer, name="signer")
app.command(
    epilog="Examples: niji policy frontier admissions-anonymized --output frontier.html  ·  niji policy frontier admissions-anonymized --parameter k=3,5,12 --parameter suppression_limit=0,0.05"
)(frontier)
