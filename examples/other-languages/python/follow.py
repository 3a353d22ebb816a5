#!/usr/bin/python3
"""Follows Hallpass's feed of revocations, with nothing but Python's standard library (3.11 or later).

    HALLPASS_KEY_ID=... HALLPASS_KEY=hpak_... ./follow.py http://localhost:3000

prints what the feed says. In an API, beside the check of the token itself:

    revocations = Revocations("https://auth.example.com", key_id, key)
    if revocations.refuses(claims): ...      # answer 401
    if revocations.silent_for() > 30: ...    # answer 503, or go on without the feed: yours to decide
"""

import base64
import json
import logging
import os
import sys
import threading
import time
from datetime import datetime
from urllib.request import Request, urlopen

# A horizon comes every five seconds: after nothing for so long, the connection is dead. Seconds.
LONGEST_SILENCE = 15


class Revocations:
    def __init__(self, issuer, key_id, key):
        basic = base64.b64encode(f"{key_id}:{key}".encode()).decode()
        self._url = f"{issuer}/v1/revocations"
        self._headers = {"Accept": "text/event-stream", "Authorization": f"Basic {basic}"}
        self._refused = {}  # sid: (issued_until, until)
        self._heard_at = float("-inf")
        threading.Thread(target=self._follow, daemon=True).start()

    def refuses(self, claims):
        return claims["iat"] <= self._refused.get(claims["sid"], (-1,))[0]

    def silent_for(self):
        """Seconds by our own clock: two clocks need not agree. Infinite, until all is known for the first time."""
        return time.monotonic() - self._heard_at

    def _follow(self):
        pause = 1
        while True:
            try:
                with urlopen(Request(self._url, headers=self._headers), timeout=LONGEST_SILENCE) as stream:
                    self._read(stream)
            except Exception as error:  # whatever it was: come again, from where we were
                logging.warning("the feed of revocations broke off: %s", error)
            pause = 1 if self.silent_for() < LONGEST_SILENCE else min(2 * pause, 30)
            time.sleep(pause)

    def _read(self, stream):
        event = {}
        for line in stream:
            if line.strip():
                name, _, value = line.decode().strip().partition(": ")
                event[name] = value
                continue
            if "data" in event:
                self._take(event["event"], json.loads(event["data"]))
                self._headers["Last-Event-ID"] = event["id"]  # only now: what was not taken comes again
            event = {}

    def _take(self, event, data):
        if event == "revocation":
            entry = datetime.fromisoformat(data["issued_until"]).timestamp(), datetime.fromisoformat(data["until"])
            # It may come twice, and an older one after a newer one.
            self._refused[data["sid"]] = max(entry, self._refused.get(data["sid"], entry))
        if event == "horizon":
            horizon = datetime.fromisoformat(data["horizon"])
            self._refused = {sid: entry for sid, entry in self._refused.items() if entry[1] > horizon}
            self._heard_at = time.monotonic()


if __name__ == "__main__":

    class Talkative(Revocations):
        def _take(self, event, data):
            super()._take(event, data)
            print(event, json.dumps(data), flush=True)

    Talkative(sys.argv[1], os.environ["HALLPASS_KEY_ID"], os.environ["HALLPASS_KEY"])
    threading.Event().wait()
