"""Hostile requests: made by tables, each with the statuses that it may be answered by."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

MARK = "zq7marker"
"""Stands wherever a client can put an answer: it may not come back, nor get into the log."""

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
REFUSED = (400, 401, 403, 404, 405, 411, 413, 414, 415, 422, 431)


@dataclass(frozen=True)
class Call:
    """A request by way of the app itself."""

    name: str
    method: str = "POST"
    path: str = "/v1/evaluate"
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    statuses: tuple[int, ...] = REFUSED


VALUES: dict[str, str] = {
    "null": "null", "a list": f'["{MARK}"]', "an object": f'{{"value": "{MARK}"}}', "an empty text": '""', "a text": f'"{MARK}"', "NaN": "NaN", "-Infinity": "-Infinity",
    "1e999": "1e999", "-1e999": "-1e999", "5,000 digits": "9" * 5_000, "400 digits": "9" * 400, "1e308": "1e308", "-1": "-1", "a turning text": '"\\u202e"',
    "half a surrogate": '"\\udc00"', "U+0000": '"\\u0000"', "a long text": f'"{"x" * 30_000}"', "a nested list": "[" * 15 + "]" * 15, "a deep list": "[" * 500 + "]" * 500,
    "an escape": '"\\u001b[2J"', "a formula": '"=1+1"', "markup": f'"<script>{MARK}</script>"', "a template": '"{{7*7}}"',
}  # fmt: skip
KINDS = ("age_years", "new_spots_a_day", "itchy", "blanches_on_pressure", "free_text")
TEXTS = ("an empty text", "a text", "a turning text", "an escape", "a formula", "markup", "a template")
"""Answers that a text may be."""


def values() -> Iterator[Call]:
    """Each kind of question, and each field beside the findings, answered by what it can't take."""
    for kind, (name, value) in itertools.product(KINDS, VALUES.items()):
        taken = (kind == "free_text" and name in TEXTS) or (kind == "age_years" and name == "-0")
        yield Call(
            f"{name} for {kind}",
            body=f'{{"findings": {{"{kind}": {value}}}}}'.encode(),
            statuses=(200,) if taken else REFUSED,
        )
    for key, (name, value) in itertools.product(
        ("ruleset", "subject", "reported_at", "findings", "patient"), VALUES.items()
    ):
        taken = key == "subject" and name in ("a text", "a formula", "markup", "a template")
        answers = "" if key == "findings" else '"findings": {}, '
        yield Call(
            f"{name} for {key}", body=f'{{{answers}"{key}": {value}}}'.encode(), statuses=(200,) if taken else REFUSED
        )


PATHS = [
    "/v1/reports/../../etc/passwd", "/v1/reports/%2e%2e%2f%2e%2e%2fetc/passwd", "/v1/reports/..%5c..%5cwindows", "/v1/rulesets/../../../etc/passwd", "/v1/rulesets/%2fetc%2fpasswd",
    f"/v1/rulesets/{MARK}%00.yaml", "/v1/rulesets/%c0%ae%c0%ae", "/v1/rulesets/glass-test/../../x", "/v1/rulesets/glass-test%0d%0aX: y", "/v1/rulesets/GLASS-TEST",
    "/v1/rulesets/glass-test ", "/v1/rulesets/gl\u0430ss-test", "/v1/rulesets/" + "a" * 3_000, "/v1/rulesets/*", "/v1/rulesets/triage:live", "/static/../app.py", "/static/..%2fapp.py",
    "/static/%2e%2e/app.py", "/static//etc/passwd", "/static/" + "../" * 40 + "etc/passwd", "/problems/../app.py", "/problems/%2e%2e", f"/problems/{MARK}", "//evil.example/",
    "/\\evil.example", "/v1//reports", "/v1/./reports", "/.git/config", "/.env", "/metrics/", "/docs/../v1", "/openapi.json/", "/v1/reports/" + "0" * 31, "/v1/reports/" + "0" * 33,
    "/v1/reports/" + "g" * 32, "/v1/reports/" + "\uff10" * 32, f"/v1/reports/{'0' * 32}?x={MARK}", f"/v1/reports/{'0' * 32}%3f", "/v1/reports/triage:pending", "/v1/reports/{id}", "/v1/reports/$(id)",
    "/v1/reports/'--", "/v1/reports/%", "/v1/reports/%zz", "/v1/reports/%ff%fe", "/\x7f", "/%00", "/" + "a/" * 500, "/v1/reports;jsessionid=1", "/v1/status.json",
]  # fmt: skip
METHODS = [
    "PUT",
    "PATCH",
    "DELETE",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "BREW",
    "Put",
    "POST\u00e9",
    MARK.upper(),
    "G" * 500,
]


def elsewhere() -> Iterator[Call]:
    """Paths that lead out of where they should, and methods that aren't there."""
    for path in PATHS:
        yield Call(f"GET {path[:40]!a} ({len(path)})", "GET", path, b"", {})
    for method, path in itertools.product(METHODS, ("/v1/reports", "/v1/rulesets", "/livez")):
        yield Call(f"{method[:12]!a} {path}", method, path)


HEADERS: dict[str, dict[str, str]] = {
    "gzip": JSON | {"Content-Encoding": "gzip"},
    "deflate": JSON | {"Content-Encoding": "deflate"},
    "br": JSON | {"Content-Encoding": "br"},
    "gzip twice": JSON | {"Content-Encoding": "gzip, gzip"},
    "an invented encoding": JSON | {"Content-Encoding": MARK},
    "no type": {},
    "an invented type": {"Content-Type": MARK},
    "a type of 5,000 letters": {"Content-Type": "a/" + "b" * 5_000},
    "two types": {"Content-Type": "application/json, text/html"},
    "UTF-7": {"Content-Type": "application/json; charset=utf-7"},
    "an invented charset": {"Content-Type": f"application/json; charset={MARK}"},
    "multipart": {"Content-Type": "multipart/form-data; boundary=" + "x" * 200},
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "XML": {"Content-Type": "application/xml"},
}
BODIES: dict[str, bytes] = {
    "a gzip bomb": gzip.compress(b"0" * 5_000_000),
    "an XML bomb": b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
    "a form": b"findings=" + MARK.encode(),
    "a multipart": b"--x\r\nContent-Disposition: form-data; name=findings\r\n\r\nx\r\n--x--\r\n",
    "pickle": b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00",
    "CBOR": b"\xa1hfindings\xa0",
    "YAML": b"findings: {}\n",
    "a number of 60,000 digits": b"9" * 60_000,
    "60,000 quotes": b'"' * 60_000,
    "60,000 backslashes": b'"' + b"\\" * 60_000,
    "60,000 escapes": b'"' + b"\\u0000" * 10_000,
    "30,000 objects": b'{"a":' * 12_000,
    "commas": b"[" + b"," * 60_000,
    "many keys": json.dumps({"findings": {f"x{n}": n for n in range(5_000)}}).encode(),
    "names that are almost right": json.dumps({"findings": {f"temperature_{n}": n for n in range(2_500)}}).encode(),
    "one key again and again": b'{"findings": {' + b",".join([b'"itchy": true'] * 4_000) + b"}}",
    "a long key": json.dumps({"findings": {"k" * 60_000: 1}}).encode(),
    "a long path of keys": b'{"findings":' + b'{"aaaaaaaaaa/~":' * 15 + b"1" + b"}" * 16,
    "65,537 bytes": b" " * 65_537,
    "NULs": b"\0" * 1_000,
    "every byte": bytes(range(256)),
}  # fmt: skip


def bodies() -> Iterator[Call]:
    """Bodies that are something else than they seem, and headers that say so."""
    for (name, body), path in itertools.product(BODIES.items(), ("/v1/evaluate", "/v1/reports")):
        yield Call(f"{name} to {path}", "POST", path, body)
    for name, headers in HEADERS.items():
        yield Call(f"a report as {name}", body=b'{"findings": {}}', headers=headers)
    for name, key in {
        "a line break": "a\tb", "a quote": 'a"b', "a comma": "a,b", "5,000 letters": "k" * 5_000, "beyond ASCII": "\u00e9", "nothing": "", "a turn": "\u202ea".encode().decode("latin-1"),
    }.items():  # fmt: skip
        yield Call(
            f"an Idempotency-Key of {name}",
            "POST",
            "/v1/reports",
            b'{"findings": {"itchy": 5}}',
            JSON | {"Idempotency-Key": key},
        )
    for name, line in {
        "garbage": b"\xff\xfe",
        "brackets": b"[" * 60_000,
        "a lone surrogate": b'"\\ud800"',
        "a long line": b" " * 70_000 + b"1",
    }.items():
        yield Call(
            f"a batch with {name}", "POST", "/v1/reports/batch", b"\n".join([line] * 20), NDJSON, (202, *REFUSED)
        )
    yield Call("a batch of 100,000 lines", "POST", "/v1/reports/batch", b"1\n" * 100_000, NDJSON)
    hostile = json.dumps({"findings": {f"temperatur_{n}": n for n in range(110)}}).encode()
    yield Call(
        "a batch of 300 lines of misspelt names",
        "POST",
        "/v1/reports/batch",
        b"\n".join([hostile] * 300),
        NDJSON,
        (202, *REFUSED),
    )


CALLS = [*values(), *elsewhere(), *bodies()]


# --- what goes over a socket as it is ---

POST = b"POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
SMUGGLED = b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = b'{"findings": {}}'


def length(count: object) -> bytes:
    return f"Content-Length: {count}\r\n".encode()


CHUNKED = b"Transfer-Encoding: chunked\r\n"
RAW: dict[str, bytes] = {
    # who says how long it is
    "length and chunks": POST + length(6) + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    "chunks and length": POST + CHUNKED + length(6) + b"\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": POST + length(16) + length(5) + b"\r\n" + BODY,
    "two lengths in one": POST + length("16, 5") + b"\r\n" + BODY,
    "a negative length": POST + length(-1) + b"\r\n" + BODY,
    "a length with a sign": POST + length("+16") + b"\r\n" + BODY,
    "a length in hexadecimal": POST + length("0x10") + b"\r\n" + BODY,
    "a length with a blank": POST + length("1 6") + b"\r\n" + BODY,
    "a length with an underscore": POST + length("1_6") + b"\r\n" + BODY,
    "a length in words": POST + length("many") + b"\r\n" + BODY,
    "a length of 100 digits": POST + length("9" * 100) + b"\r\n" + BODY,
    "a length of 5,000 digits": POST + length("9" * 5_000) + b"\r\n" + BODY,
    "an empty length": POST + length("") + b"\r\n" + BODY,
    "no length": POST + b"\r\n" + BODY,
    "chunks twice": POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    "chunks of something else": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks, then identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks with a tab": POST + b"Transfer-Encoding:\tchunked\r\n\r\nzz\r\n",
    "chunks before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "chunks on a folded line": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "gzip in chunks": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a chunk's size that is none": POST + CHUNKED + b"\r\nzz\r\n" + BODY,
    "a chunk's size that is negative": POST + CHUNKED + b"\r\n-1\r\n" + BODY,
    "a chunk's size with 0x": POST + CHUNKED + b"\r\n0x10\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk's size of 1,000 digits": POST + CHUNKED + b"\r\n" + b"F" * 1_000 + b"\r\n" + BODY,
    "a chunk's long extension": POST + CHUNKED + b"\r\n10;" + b"x" * 9_000 + b"\r\n" + BODY,
    "a chunk that is longer than it says": POST + CHUNKED + b"\r\n2\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunks with bare line feeds": POST + CHUNKED + b"\r\n10\n" + BODY + b"\n0\n\n",
    "a chunk that is cut off": POST + CHUNKED + b"\r\nff\r\n" + BODY,
    "chunks beyond the limit": POST + CHUNKED + b"\r\n" + (b"2000\r\n" + b" " * 0x2000 + b"\r\n") * 12 + b"0\r\n\r\n",
    "a trailer": POST + CHUNKED + b"\r\n0\r\nX: " + b"y" * 9_000 + b"\r\n\r\n",
    "a body after GET": GET + length(5) + b"\r\nhello" + SMUGGLED,
    # the head
    "no Host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a Host with a path": b"GET /livez HTTP/1.1\r\nHost: x/../y\r\n\r\n",
    "a Host with markup": b"GET /livez HTTP/1.1\r\nHost: <zq7marker>\r\n\r\n",
    "1,000 headers": GET + b"".join(b"X-%d: y\r\n" % n for n in range(1_000)) + b"\r\n",
    "a header of 60,000 letters": GET + b"X: " + b"y" * 60_000 + b"\r\n\r\n",
    "a header's name of 60,000 letters": GET + b"x" * 60_000 + b": y\r\n\r\n",
    "a header without a name": GET + b": y\r\n\r\n",
    "a header without a colon": GET + b"zq7marker\r\n\r\n",
    "a header with NUL": GET + b"X: a\0b\r\n\r\n",
    "a header with a bare return": GET + b"X: a\rb\r\n\r\n",
    "a header with a blank in its name": GET + b"X Y: z\r\n\r\n",
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "an underscore for a hyphen": POST.replace(b"Content-Type", b"Content_Type") + length(16) + b"\r\n" + BODY,
    "bytes beyond ASCII": GET + b"X: \xff\xfe\r\n\r\n",
    "an expectation": POST + b"Expect: zq7marker\r\n" + length(16) + b"\r\n" + BODY,
    "an upgrade": GET + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    "a forwarder's word on the path": GET + b"SCRIPT_NAME: /zq7marker\r\nPATH_INFO: /v1/status\r\n\r\n",
    "a forwarder's word on the scheme": GET + b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n\r\n",
    "a proxy's word": b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n" + GET + b"\r\n",
    # the first line
    "nothing but line breaks": b"\r\n" * 2_000,
    "garbage": bytes(range(256)) * 4 + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100 + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/9.9": b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
    "HTTP/1.1 misspelt": b"GET /livez HTPT/1.1\r\nHost: x\r\n\r\n",
    "no path": b"GET HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path with a blank": b"GET /a zq7marker HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path of 9,000 letters": b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path upwards": b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "a whole address": b"GET http://evil.example/v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "an authority": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method of 5,000 letters": b"G" * 5_000 + b" /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method with a lower case letter": b"gET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "a line break in the path": b"GET /livez%0d%0aX:y HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes beyond ASCII in the path": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
}  # fmt: skip
