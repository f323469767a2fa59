"""`niji serve`: the Dagster UI and the portal, until interrupted."""

from typing import Annotated

import typer

from pipelines.cli.run import HOME, Home

_START_SECONDS = 180.0


def serve(
    home: Home = HOME,
    dagster_port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    portal_port: Annotated[int, typer.Option(help="Port of the portal.")] = 8000,
) -> None:
    """Serve the Dagster UI (stewards) and the portal (researchers) on this machine until interrupted."""
    from pipelines.deployment import open_deployment
    from pipelines.serve import HOST, servers, serving, wait_for_interrupt, wait_until_up
    from pipelines.settings import load_settings

    settings = load_settings(home)
    open_deployment(settings)  # a policy that is wrong is said here, not in a server's log
    wanted = servers(settings, dagster_port=dagster_port, portal_port=portal_port)
    with serving(settings, wanted) as running:
        typer.echo("starting ...")
        wait_until_up(wanted, running, seconds=_START_SECONDS)
        typer.echo(f"Dagster UI  http://{HOST}:{dagster_port}   (data stewards)")
        typer.echo(f"Portal      http://{HOST}:{portal_port}   (researchers; 日本語 / English)")
        typer.echo("Press Ctrl-C to stop.")
        ended = wait_for_interrupt(running)
    if ended is not None:
        typer.echo(f"the {ended} ended by itself; its log is in {settings.home / 'logs'}", err=True)
        raise typer.Exit(1)
    typer.echo("stopped")
