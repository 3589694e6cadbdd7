"""Webhooks: receive the rows of runs, each delivery once.

Start it with `flask --app examples/webhooks.py run`, with the signing secret of your
organisation in SIXTYFOUR_SIGNING_SECRET. Run as a program, it signs and posts a
delivery to itself, twice, as the service does if an answer is lost.
"""

from __future__ import annotations

import os
import sqlite3

from flask import Flask, request

from flow64.errors import WebhookError
from flow64.webhooks import RowsEvent, sign, verify

SECRETS = [os.environ.get("SIXTYFOUR_SIGNING_SECRET", "sk_whsec_not_a_real_secret")]
BODY = (
    b'{"event_id": "e-1", "run_id": "r-1", "results": [{"email": "ada@example.com"}]}'
)

app = Flask("receiver")
file = ":memory:" if __name__ == "__main__" else "deliveries.db"
database = sqlite3.connect(file, check_same_thread=False)
database.execute("create table if not exists deliveries (key text primary key, rows)")


@app.post("/hooks/sixtyfour")
def receive() -> tuple[str, int]:
    """Keep the rows of a delivery; 2xx says that it need not come again."""
    try:
        event = verify(request.get_data(), request.headers, SECRETS)
    except WebhookError:
        return "", 400
    if isinstance(event, RowsEvent):
        with database:  # one that came before changes nothing
            insert = "insert or ignore into deliveries values (?, ?)"
            database.execute(insert, (event.key, str(event.rows)))
    return "", 204


def main() -> None:
    """Post one delivery twice, and another one without a signature."""
    client = app.test_client()
    for headers in (sign(BODY, SECRETS), sign(BODY, SECRETS), {}):
        answer = client.post("/hooks/sixtyfour", data=BODY, headers=headers)
        print(answer.status_code)
    print(*database.execute("select rows from deliveries").fetchall())


if __name__ == "__main__":
    main()
