"""`nacre usage`: what was used, and the bill for it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from serving.access.principal import DEFAULT_TENANT
from serving.books.ledger import Ledger
from serving.books.reading import UsageAnswer, UsageQuestion, usage_of
from serving.books.usage import amount
from serving.cli.asking import (
    AsJson,
    CatalogueUrl,
    ConfigFile,
    DataFolder,
    console,
    open_catalogue,
    print_json,
    service_settings,
)
from serving.cli.session_table import utc


def usage(
    tenant: Annotated[str, typer.Option(help="Whose.")] = DEFAULT_TENANT,
    session: Annotated[str, typer.Option(help="Only of this one.")] = "",
    world: Annotated[str, typer.Option(help="Only of sessions that started from this one.")] = "",
    month: Annotated[str, typer.Option(help="Only of this one (UTC), such as 2026-11.")] = "",
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """What was used, and the bill: made from the usage book and the price sheet alone."""
    question = UsageQuestion(tenant_id=tenant, session_id=session, world_id=world, month=month)
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        answer = usage_of(Ledger(database), question, settings.books.prices)
    if as_json:
        print_json(answer_fields(answer))
    else:
        _print(answer)


def answer_fields(answer: UsageAnswer) -> dict[str, Any]:
    lines = [
        {
            "item": line.item,
            "model": line.model,
            "quantity": amount(line.quantity),
            "unit": line.unit,
            "price": amount(line.price),
            "amount": amount(line.amount),
            "price_since": utc(line.from_s) if line.from_s else None,
        }
        for line in answer.bill.lines
    ]
    return {
        "usage": answer.usage.to_fields(),
        "bill": {"currency": answer.bill.currency, "lines": lines, "total": amount(answer.bill.total)},
        "book": {"num_rows": answer.head.length, "last_hash": answer.head.hash.hex()},
    }


def _print(answer: UsageAnswer) -> None:
    used, bill = answer.usage, answer.bill
    table = Table(box=None, pad_edge=False)
    for name in ("item", "model", "quantity", "unit", "price", "amount"):
        table.add_column(name, justify="right" if name in ("quantity", "price", "amount") else "left")
    for line in bill.lines:
        numbers = [amount(each) for each in (line.quantity, line.price, line.amount)]
        table.add_row(line.item, Text(line.model), numbers[0], line.unit, numbers[1], numbers[2])
    console.print(table)
    not_billed = used.num_blank_frames + used.num_frozen_frames + used.num_invalid_viewer_frames
    console.print(f"total {amount(bill.total)} {bill.currency or '(no price sheet)'}", markup=False)
    console.print(f"delivered and not billed: {not_billed} blank or frozen frames", markup=False)
