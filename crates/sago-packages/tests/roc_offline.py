#!/usr/bin/env python3
"""Judges an RO-Crate with roc-validator, without a network.

    python roc_offline.py CRATE CONTEXT CACHE [PROFILE [SEVERITY]]

CRATE     folder with ro-crate-metadata.json (of an export: its data/ folder)
CONTEXT   the JSON-LD context of the profile's version, as a file (…/ro-crate-context/1.2.jsonld)
CACHE     where the validator's HTTP cache is made, without the ending .sqlite; made anew each time
PROFILE   default ro-crate-1.2; SEVERITY default REQUIRED (or RECOMMENDED, OPTIONAL)

The validator fetches the context from the web. It keeps answers in a requests-cache file; this script puts the context there
as if it had been fetched, then runs the validator in its offline mode, in which nothing else is asked of a network. On top of
that, opening any connection is made to fail. Needs PyPI roc-validator 0.13 in the environment of the python that runs it.
Prints every issue; ends with 0: accepted; 1: not accepted; 2: could not be judged.
"""
import io
import pathlib
import socket
import sys
import traceback

CONTEXT_URL = "https://w3id.org/ro/crate/%s/context"


def no_network(*arguments, **named):
    raise OSError("the network is not to be used here")


def seed(cache, url, body):
    """Stores an answer to GET url in a new requests-cache file."""
    import requests
    from requests_cache import CachedSession
    from urllib3.response import HTTPResponse

    file = pathlib.Path(str(cache) + ".sqlite")
    for leftover in (file, pathlib.Path(str(file) + "-wal"), pathlib.Path(str(file) + "-shm")):
        leftover.unlink(missing_ok=True)
    session = CachedSession(cache_name=str(cache), backend="sqlite", expire_after=-1, allowable_methods=("GET",))
    adapter = requests.adapters.HTTPAdapter()
    # The validator asks twice, with different Accept headers; the cache does not tell answers apart by header.
    request = session.prepare_request(requests.Request("GET", url))
    raw = HTTPResponse(
        body=io.BytesIO(body),
        headers={"Content-Type": "application/ld+json"},
        status=200,
        preload_content=False,
    )
    response = adapter.build_response(request, raw)
    session.cache.save_response(response)
    session.close()


def main(arguments):
    if not 3 <= len(arguments) <= 5:
        print(__doc__, file=sys.stderr)
        return 2
    crate, context, cache = (pathlib.Path(argument).resolve() for argument in arguments[:3])
    profile = arguments[3] if len(arguments) > 3 else "ro-crate-1.2"
    severity = arguments[4] if len(arguments) > 4 else "REQUIRED"
    if not (crate / "ro-crate-metadata.json").is_file():
        print("no ro-crate-metadata.json in %s" % crate, file=sys.stderr)
        return 2
    seed(cache, CONTEXT_URL % profile.rsplit("-", 1)[-1], context.read_bytes())
    socket.socket.connect = no_network
    socket.getaddrinfo = no_network

    from rocrate_validator import models, services

    settings = services.ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier=profile,
        requirement_severity=models.Severity[severity],
        offline=True,
        cache_path=str(cache),
    )
    result = services.validate(settings)
    issues = list(result.get_issues())
    for issue in issues:
        print("%s %s: %s" % (issue.severity.name, issue.check.identifier, issue.message))
    checks = len(result.executed_checks)
    print("%s %s: %d checks, %d issues" % (profile, severity, checks, len(issues)))
    # A validator that checked nothing has not accepted anything.
    if checks == 0:
        return 2
    return 1 if issues else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Exception:  # whatever went wrong, it is not a judgement
        traceback.print_exc()
        sys.exit(2)
