"""``claimwire explain`` and ``claimwire serve``: options and help; the work is done in the room."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from claimwire.options import ModelOption, TableOrJson

serving_app = typer.Typer()


def _option(meaning: str, **more: Any) -> Any:
    return typer.Option(help=meaning, show_envvar=False, **more)


def _limit(variable: str, meaning: str, least: float = 1) -> Any:
    return _option(meaning, envvar=f"CLAIMWIRE_SERVE_{variable}", min=least)


@serving_app.command()
def explain(
    sentence: Annotated[
        str, typer.Argument(metavar="SENTENCE", help="One sentence.", show_default=False)
    ],
    model: ModelOption = None,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            metavar="NAME",
            help="The label to explain. Default: the sentence's primary one.",
        ),
    ] = None,
    output_format: TableOrJson = "table",
) -> None:
    """Show which words of a sentence a label rests on.

    Each word is left out in turn; it counts as much as the label's log-odds then drop.

    Example: `claimwire explain 'The missile was intercepted over the harbour.'`
    """
    from claimwire.serve import explain_commands

    raise typer.Exit(explain_commands.explain(sentence, model, label, output_format))


@serving_app.command()
def serve(
    model: ModelOption = None,
    host: Annotated[
        str, _option("Address to listen on.", envvar="CLAIMWIRE_SERVE_HOST")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        _option("TCP port; 0 takes a free one.", envvar="CLAIMWIRE_SERVE_PORT", min=0, max=65_535),
    ] = 8000,
    threads: Annotated[
        int | None,
        _limit("THREADS", "CPU threads. Default: what this process may use, at most 4."),
    ] = None,
    tokens_file: Annotated[
        Path | None,
        _option(
            "Bearer tokens, one a line; also CLAIMWIRE_SERVE_TOKENS. None: everybody may use it.",
            envvar="CLAIMWIRE_SERVE_TOKENS_FILE",
            metavar="FILE",
        ),
    ] = None,
    allow_public_without_token: Annotated[
        bool,
        typer.Option(
            "--allow-public-without-token",
            envvar="CLAIMWIRE_SERVE_ALLOW_PUBLIC_WITHOUT_TOKEN",
            show_envvar=False,
            help="Consent to an address that other machines reach, without tokens.",
        ),
    ] = False,
    max_body_bytes: Annotated[int, _limit("MAX_BODY_BYTES", "Largest request body.")] = 2
    * 1024
    * 1024,
    max_articles: Annotated[int, _limit("MAX_ARTICLES", "Most articles in a request.")] = 100,
    max_sentences: Annotated[int, _limit("MAX_SENTENCES", "Most sentences in a request.")] = 2_000,
    timeout_seconds: Annotated[
        float, _limit("TIMEOUT_SECONDS", "Longest time for one request.", 0.001)
    ] = 60.0,
    queue_requests: Annotated[
        int, _limit("QUEUE_REQUESTS", "Most requests at work or waiting; then 429.")
    ] = 256,
    queue_sentences: Annotated[
        int, _limit("QUEUE_SENTENCES", "Most sentences waiting; then 429.")
    ] = 20_000,
    batch_sentences: Annotated[
        int, _limit("BATCH_SENTENCES", "Most sentences given to the model at once.")
    ] = 256,
    batch_characters: Annotated[
        int, _limit("BATCH_CHARACTERS", "Most characters given to the model at once.")
    ] = 50_000,
    batch_wait_ms: Annotated[
        float, _limit("BATCH_WAIT_MS", "How long an idle model waits for company.", 0)
    ] = 3.0,
    drain_seconds: Annotated[
        float,
        _limit("DRAIN_SECONDS", "How long after SIGTERM new requests are still answered 503.", 0),
    ] = 0.0,
    access_log: Annotated[
        bool,
        typer.Option(
            "--access-log",
            envvar="CLAIMWIRE_SERVE_ACCESS_LOG",
            show_envvar=False,
            help="Log a line for each request.",
        ),
    ] = False,
) -> None:
    """Serve a release over HTTP.

    Each option is also an environment variable: `--max-articles` is CLAIMWIRE_SERVE_MAX_ARTICLES.

    Example: `claimwire serve --port 8000`, then
    `curl --data-binary @article.txt -H 'Content-Type: text/plain' localhost:8000/v1/tag`
    """
    from claimwire.serve.http import commands
    from claimwire.serve.http.settings import ServeSettings

    settings = ServeSettings(
        model=model,
        host=host,
        port=port,
        threads=threads,
        max_body_bytes=max_body_bytes,
        max_articles=max_articles,
        max_sentences=max_sentences,
        timeout_seconds=timeout_seconds,
        queue_requests=queue_requests,
        queue_sentences=queue_sentences,
        batch_sentences=batch_sentences,
        batch_characters=batch_characters,
        batch_wait_ms=batch_wait_ms,
        drain_seconds=drain_seconds,
        tokens_file=tokens_file,
        allow_public_without_token=allow_public_without_token,
        access_log=access_log,
    )
    raise typer.Exit(commands.serve(settings))
