#!/usr/bin/python3
"""An API that lets people in by their access tokens, and out as soon as they are signed out.

    HALLPASS_KEY_ID=... HALLPASS_KEY=hpak_... ./api.py http://localhost:3000 8080
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from follow import Revocations
from verify import Keys, KeysUnavailable, Refused, Verifier

# Without word from the feed for so long, nobody knows who was signed out. Seconds.
LONGEST_SILENCE = 30


def create_api(issuer, port, hallpass, key_id, key):
    """`hallpass` is where it can be reached from here: often the issuer itself."""
    verifier = Verifier(issuer, audience=issuer, keys=Keys(f"{hallpass}/.well-known/jwks.json"))
    revocations = Revocations(hallpass, key_id, key)

    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer":
                return self.answer(401, "Who are you?", {"WWW-Authenticate": "Bearer"})
            try:
                claims = verifier.verify(token.strip())
                if revocations.refuses(claims):
                    raise Refused("the session is over")
                if revocations.silent_for() > LONGEST_SILENCE:
                    return self.answer(503, "Come again.", {"Retry-After": "5"})
            except Refused:
                return self.answer(401, "No.", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
            except KeysUnavailable:
                return self.answer(503, "Come again.", {"Retry-After": "5"})
            self.answer(200, f"Hello {claims['sub']}, on the device {claims['sid']}")

        def answer(self, status, text, headers={}):
            body = f"{text}\n".encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Api)


if __name__ == "__main__":
    issuer, port, hallpass = sys.argv[1], int(sys.argv[2]), (sys.argv[3:] or sys.argv[1:2])[0]
    api = create_api(issuer, port, hallpass, os.environ["HALLPASS_KEY_ID"], os.environ["HALLPASS_KEY"])
    print(f"http://127.0.0.1:{api.server_port}", flush=True)
    api.serve_forever()
