"""`niji hierarchy …`: build, check and look at hierarchies; what of a table they know; a release's mapping, applied."""

import typer

from pipelines.cli.hierarchy.apply import apply
from pipelines.cli.hierarchy.build import build
from pipelines.cli.hierarchy.check import check
from pipelines.cli.hierarchy.coverage import coverage
from pipelines.cli.hierarchy.show import show

app = typer.Typer(
    help="Hierarchies: how values become coarser, as files with a version and a digest.", no_args_is_help=True
)
app.command(
    epilog="Examples: niji hierarchy build policies/hierarchies/age.yaml --output age.json  ·  niji hierarchy build policies/hierarchies/age.yaml --output age.csv"
)(build)
app.command(epilog="Example: niji hierarchy check hierarchies/age.csv --language en")(check)
app.command(epilog="Example: niji hierarchy show policies/hierarchies/age.yaml --value 93")(show)
app.command(
    epilog="Example: niji hierarchy coverage policies/hierarchies/icd10.yaml table.csv --column icd10 --person patient_id --report unseen.csv"
)(coverage)
app.command(
    epilog="Example: niji hierarchy apply mapping.json table.csv --output out.csv --on-unseen suppress --k 10 --person patient_id"
)(apply)
