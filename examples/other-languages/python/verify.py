#!/usr/bin/python3
"""Checks Hallpass's access tokens (RFC 9068) with PyJWT 2.6 or later.

    echo "$ACCESS" | ./verify.py http://localhost:3000

prints the claims of each token on standard input, or why it is refused. In an API:

    verifier = Verifier(issuer="https://auth.example.com", audience="https://api.example.com")
    claims = verifier.verify(token)     # Refused: answer 401. KeysUnavailable: answer 503.
"""

import argparse
import json
import logging
import re
import sys
import threading
import time
import urllib.request

import jwt

ALGORITHMS = ("ES256", "EdDSA", "RS256")
TYPES = ("at+jwt", "application/at+jwt")
CLAIMS = {
    "iss": str,
    "sub": str,
    "aud": (str, list),
    "client_id": str,
    "exp": int,
    "iat": int,
    "jti": str,
    "sid": str,
    "auth_time": int,
}
LONGEST_TOKEN = 8192
# Clocks of two machines may differ by so much. Seconds.
LEEWAY = 10

# How long fetched keys are used before they are fetched again, as the JWKS says itself. Seconds.
MAX_AGE = 300
# A token can name any key. No stream of such tokens makes us fetch more often than this. Seconds.
COOLDOWN = 30
RETRY_AFTER_FAILURE = 1
# While the keys cannot be fetched, those we have are used for so long. Seconds.
LONGEST_OUTAGE = 3600


class Refused(Exception):
    """The token is not good here: 401."""


class KeysUnavailable(Exception):
    """Nobody can say now whether the token is good: 503."""


class Keys:
    """The issuer's keys by their `kid`, each with the one algorithm it is for."""

    def __init__(self, url, cooldown=COOLDOWN):
        self._url = url
        self._cooldown = cooldown
        self._lock = threading.Lock()
        self._keys = {}
        self._fetched_at = -float("inf")
        self._next_fetch = -float("inf")

    def find(self, kid):
        with self._lock:
            now = time.monotonic()
            wanted = kid not in self._keys or now - self._fetched_at > MAX_AGE
            if wanted and now >= self._next_fetch:
                try:
                    self._keys = self._fetch()
                    self._fetched_at = now
                    self._next_fetch = now + self._cooldown
                except Exception as error:  # whatever it was: the keys that we have stay
                    self._next_fetch = now + RETRY_AFTER_FAILURE
                    logging.warning("%s could not be read: %s", self._url, error)
            if now - self._fetched_at > LONGEST_OUTAGE:
                raise KeysUnavailable(self._url)
            return self._keys.get(kid)

    def _fetch(self):
        with urllib.request.urlopen(self._url, timeout=5) as answer:
            keys = json.load(answer)["keys"]
        return {key["kid"]: (key["alg"], jwt.PyJWK(key).key) for key in keys if key["alg"] in ALGORITHMS}


class Verifier:
    def __init__(self, issuer, audience, keys=None):
        self._issuer = issuer
        self._audience = audience
        self._keys = keys or Keys(f"{issuer}/.well-known/jwks.json")

    def verify(self, token):
        """The claims of a good token."""
        try:
            return self._verify(token)
        # PyJWT lets TypeError, ValueError and RecursionError out where JSON is odd.
        except (jwt.PyJWTError, TypeError, ValueError, RecursionError) as error:
            raise Refused(str(error)) from error

    def _verify(self, token):
        if len(token) > LONGEST_TOKEN or not re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token, re.ASCII):
            raise Refused("it is not a signed JWT")
        header = jwt.get_unverified_header(token)
        # PyJWT looks at no `typ`: without this, an ID token of the same issuer would do (RFC 9068 section 4).
        if str(header.get("typ")).lower() not in TYPES:
            raise Refused("it is not an access token")
        # There are no extensions that we know (RFC 7515 section 4.1.11).
        if "crit" in header:
            raise Refused("it has critical extensions")
        found = self._keys.find(header.get("kid"))
        if found is None:
            raise Refused("its key is not one of the issuer's")
        # The algorithm is the key's own, never the token's choice (RFC 8725 section 3.1).
        algorithm, key = found
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY,
            options={"require": list(CLAIMS)},
        )
        # PyJWT asks that they are there, not what they are: a `sub` may be a list, an `exp` a string.
        for name, kind in CLAIMS.items():
            if not isinstance(claims[name], kind):
                raise Refused(f"its {name} is not what it should be")
        return claims


def main():
    parser = argparse.ArgumentParser(description="Checks access tokens, one a line of standard input.")
    parser.add_argument("issuer")
    parser.add_argument("--audience", help="who the tokens are for; the issuer, where this is left out")
    parser.add_argument("--jwks", help="where the keys are, if not at the issuer")
    parser.add_argument("--cooldown", type=float, default=COOLDOWN, help="seconds between fetches for unknown keys")
    options = parser.parse_args()
    keys = Keys(options.jwks or f"{options.issuer}/.well-known/jwks.json", options.cooldown)
    verifier = Verifier(options.issuer, options.audience or options.issuer, keys)
    are_all_good = True
    for line in sys.stdin:
        try:
            answer = verifier.verify(line.strip())
        except (Refused, KeysUnavailable) as error:
            are_all_good = False
            answer = {"error": type(error).__name__, "because": str(error)}
        print(json.dumps(answer), flush=True)
    sys.exit(0 if are_all_good else 1)


if __name__ == "__main__":
    main()
