"""Fills the HTTP cache of rocrate-validator with pages from disk.

Arguments: the cache's name (without .sqlite), then pairs of address and file.
"""

import io
import sys
from pathlib import Path

from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

name, *rest = sys.argv[1:]
pages = dict(zip(rest[::2], rest[1::2], strict=True))


class FromDisk(HTTPAdapter):
    """Answers every request with a file, so that nothing goes out."""

    def send(self, request, **_):
        body = Path(pages[request.url]).read_bytes()
        headers = {"Content-Type": "application/ld+json", "Content-Length": str(len(body))}
        raw = HTTPResponse(
            body=io.BytesIO(body), status=200, headers=headers, preload_content=False, request_url=request.url
        )
        return self.build_response(request, raw)


session = CachedSession(cache_name=name, backend="sqlite", expire_after=-1, allowable_methods=("GET",))
session.mount("https://", FromDisk())
for address in pages:
    session.get(address).raise_for_status()
    if not session.get(address).from_cache:
        sys.exit(f"{address} was not kept in the cache")
