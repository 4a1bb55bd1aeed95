"""Kong's declarations and Azure's policies, by schemas of our own: neither Kong nor Azure's can be had here.

    gateways.py kong FILE...     fields, their types and bounds, as Kong 3 documents its entities and plugins
    gateways.py azure FILE...    sections, elements in their order, attributes and their values, as API Management
                                 documents its policies
"""

import re
import sys
import xml.etree.ElementTree as ET

import yaml

TEXT, WHOLE, NUMBER, TRUTH = "a text", "a whole number", "a number", "a truth"
MAX_MS = 2**31 - 2


class Many:
    """A list of things of one kind."""

    def __init__(self, of):
        self.of = of


class Within:
    """A whole number between two others, or a text that a pattern takes, or one of some words."""

    def __init__(self, *words, least=None, most=None, pattern=None):
        self.words, self.least, self.most, self.pattern = words, least, most, pattern

    def takes(self, value):
        if self.pattern:
            return isinstance(value, str) and re.fullmatch(self.pattern, value) is not None
        if self.words:
            return value in self.words
        return type(value) is int and self.least <= value <= self.most


NAME = Within(pattern=r"[\w.~-]+")
HOST = Within(pattern=r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?")
PORT = Within(least=0, most=65535)
TIME = Within(least=1, most=MAX_MS)
HEADERS = {"headers": Many(TEXT), "querystring": Many(TEXT), "body": Many(TEXT)}
FORMATS = ("w3c", "b3", "b3-single", "jaeger", "ot", "datadog", "aws", "gcp", "instana")

# By a plugin's name: what must be given, and what may be.
PLUGINS = {
    "jwt": ({}, {
        "claims_to_verify": Many(Within("exp", "nbf")), "key_claim_name": TEXT, "anonymous": TEXT,
        "maximum_expiration": WHOLE, "secret_is_base64": TRUTH, "run_on_preflight": TRUTH,
        "header_names": Many(TEXT), "uri_param_names": Many(TEXT), "cookie_names": Many(TEXT), "realm": TEXT,
    }),
    "rate-limiting": ({}, {
        **{k: Within(least=1, most=10**12) for k in ("second", "minute", "hour", "day", "month", "year")},
        "limit_by": Within("consumer", "credential", "ip", "service", "header", "path", "consumer-group"),
        "policy": Within("local", "cluster", "redis"), "fault_tolerant": TRUTH, "hide_client_headers": TRUTH,
        "redis": {"host": HOST, "port": PORT}, "header_name": TEXT, "path": TEXT, "error_code": WHOLE,
        "error_message": TEXT, "sync_rate": NUMBER,
    }),
    "request-transformer": ({}, {
        **{k: HEADERS for k in ("remove", "rename", "replace", "add", "append")}, "http_method": TEXT,
    }),
    "request-size-limiting": ({}, {
        "allowed_payload_size": Within(least=1, most=2**53),
        "size_unit": Within("megabytes", "kilobytes", "bytes"), "require_content_length": TRUTH,
    }),
    "correlation-id": ({}, {
        "header_name": TEXT, "generator": Within("uuid", "uuid#counter", "tracker"), "echo_downstream": TRUTH,
    }),
    "opentelemetry": ({}, {
        "traces_endpoint": Within(pattern=r"https?://[\w.-]+(:\d+)?(/[\w./-]*)?"), "logs_endpoint": TEXT,
        "sampling_rate": NUMBER, "headers": {}, "resource_attributes": {},
        "propagation": {
            "extract": Many(Within(*FORMATS)), "inject": Many(Within("preserve", *FORMATS)),
            "default_format": Within(*FORMATS), "clear": Many(TEXT),
        },
    }),
    "request-termination": ({"status_code": Within(least=100, most=599)}, {
        "message": TEXT, "body": TEXT, "content_type": TEXT, "echo": TRUTH, "trigger": TEXT,
    }),
}

PLUGIN = ({"name": Within(*PLUGINS)}, {"config": {}, "enabled": TRUTH, "protocols": Many(TEXT)})
ROUTE = ({"name": NAME}, {
    "hosts": Many(HOST), "methods": Many(Within(pattern="[A-Z]+")), "protocols": Many(Within("http", "https", "grpc", "grpcs")),
    "paths": Many(Within(pattern="(?s)(?!.*//)(/|~/).*")), "regex_priority": WHOLE, "strip_path": TRUTH, "preserve_host": TRUTH,
    "headers": {}, "request_buffering": TRUTH, "response_buffering": TRUTH, "plugins": Many(PLUGIN), "tags": Many(TEXT),
})
SERVICE = ({"name": NAME, "host": HOST}, {
    "protocol": Within("http", "https", "grpc", "grpcs"), "port": PORT, "path": TEXT, "enabled": TRUTH,
    "connect_timeout": TIME, "read_timeout": TIME, "write_timeout": TIME, "retries": Within(least=0, most=32767),
    "routes": Many(ROUTE), "plugins": Many(PLUGIN), "tags": Many(TEXT),
})
JWT = ({}, {
    "key": TEXT, "algorithm": Within("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA"),
    "rsa_public_key": Within(pattern=r"(?s)-----BEGIN PUBLIC KEY-----\n.+\n-----END PUBLIC KEY-----\n"), "secret": TEXT,
})
CONSUMER = ({"username": TEXT}, {"jwt_secrets": Many(JWT), "custom_id": TEXT, "id": TEXT})
KONG = ({"_format_version": Within("3.0")}, {
    "_transform": TRUTH, "services": Many(SERVICE), "routes": Many(ROUTE), "plugins": Many(PLUGIN), "consumers": Many(CONSUMER),
})


def table(at, value, needed, allowed):
    if not isinstance(value, dict):
        yield f"{at} is no table"
        return
    known = {**needed, **allowed}
    yield from (f"{at}: no field `{k}`" for k in value if k not in known)
    yield from (f"{at}: `{k}` is missing" for k in needed if k not in value)
    for key in value.keys() & known.keys():
        yield from fits(f"{at}.{key}", value[key], known[key])
    if known.keys() >= {"config", "name"} and value.get("name") in PLUGINS:
        yield from table(f"{at}.{value['name']}", value.get("config", {}), *PLUGINS[value["name"]])


def fits(at, value, kind):
    if isinstance(kind, Many):
        if not isinstance(value, list):
            yield f"{at} is no list"
            return
        for i, one in enumerate(value):
            yield from fits(f"{at}.{i}", one, kind.of)
    elif isinstance(kind, tuple):
        yield from table(at, value, *kind)
    elif isinstance(kind, dict):
        if kind or not isinstance(value, dict):
            yield from table(at, value, {}, kind)
    elif isinstance(kind, Within):
        if not kind.takes(value):
            yield f"{at} cannot be {value!r}"
    else:
        right = {TEXT: str, WHOLE: int, NUMBER: (int, float), TRUTH: bool}[kind]
        if not isinstance(value, right) or (isinstance(value, bool) and kind != TRUTH):
            yield f"{at}: {value!r} is not {kind}"


def kong(path):
    with open(path) as f:
        file = yaml.safe_load(f)
    yield from table("file", file, *KONG)
    services = [s for s in file.get("services") or [] if isinstance(s, dict)]
    routes = [r for s in services for r in s.get("routes") or [] if isinstance(r, dict)]
    for what, all_of in (("services", services), ("routes", routes)):
        names = [one.get("name") for one in all_of]
        yield from (f"two {what} are called {n}" for n in sorted({str(n) for n in names if names.count(n) > 1}))
    users = [c.get("username") for c in file.get("consumers") or []]
    for route in routes:
        for plugin in route.get("plugins") or []:
            config = plugin.get("config") or {}
            if config.get("anonymous") not in (None, *users):
                yield f"{route.get('name')}: no consumer is called {config['anonymous']}"
            if config.get("policy") == "redis" and "redis" not in config:
                yield f"{route.get('name')}: policy redis without a redis"
            spans = [p for p in ("second", "minute", "hour", "day", "month", "year") if p in config]
            if plugin.get("name") == "rate-limiting" and not spans:
                yield f"{route.get('name')}: a limit without a span of time"
        secure = any(str(p).startswith("grpc") for p in route.get("protocols") or [])
        if secure and (route.get("strip_path", False) or "methods" in route):
            yield f"{route.get('name')}: a route of gRPC strips no path and has no methods"


# ---- Azure: attributes that must and may be, with what they may hold; then what stands inside, in its order,
# where a `*` may stand any number of times.
EXPRESSION = r"@\(.+\)|@\{.+\}"
STEPS = "set-header choose rate-limit-by-key validate-jwt set-backend-service return-response set-variable rewrite-uri"
WHOLE_XML = r"\d+"
POLICY = {
    "base": ({}, {}, None),
    "set-header": ({"name": r"[\w-]+"}, {"exists-action": "override|skip|append|delete"}, ["value*"]),
    "value": ({}, {}, "text"),
    "choose": ({}, {}, ["when+", "otherwise"]),
    "when": ({"condition": EXPRESSION}, {}, "steps"),
    "otherwise": ({}, {}, "steps"),
    "return-response": ({}, {"response-variable-name": r"\w+"}, ["set-status", "set-header*", "set-body"]),
    "set-status": ({"code": r"[1-5]\d\d"}, {"reason": ".+"}, None),
    "set-body": ({}, {"template": "liquid"}, "text"),
    "rate-limit-by-key": (
        {"calls": WHOLE_XML, "renewal-period": WHOLE_XML, "counter-key": EXPRESSION},
        {"increment-condition": EXPRESSION, "increment-count": WHOLE_XML, "retry-after-header-name": r"[\w-]+",
         "retry-after-variable-name": r"\w+", "remaining-calls-header-name": r"[\w-]+", "total-calls-header-name": r"[\w-]+"},
        None,
    ),
    "validate-jwt": (
        {"header-name": r"[\w-]+"},
        {"require-scheme": r"\w+", "require-expiration-time": "true|false", "require-signed-tokens": "true|false",
         "failed-validation-httpcode": r"4\d\d", "failed-validation-error-message": ".+", "clock-skew": WHOLE_XML,
         "output-token-variable-name": r"\w+"},
        ["openid-config*", "issuer-signing-keys", "decryption-keys", "audiences", "issuers", "required-claims"],
    ),
    "openid-config": ({"url": r"https://[\w./-]+/\.well-known/openid-configuration"}, {}, None),
    "audiences": ({}, {}, ["audience+"]),
    "audience": ({}, {}, "text"),
    "issuers": ({}, {}, ["issuer+"]),
    "issuer": ({}, {}, "text"),
    "set-backend-service": ({}, {"base-url": r"https?://[\w.-]+(:\d+)?(/.*)?", "backend-id": r"[\w-]+"}, None),
    "forward-request": (
        {},
        {"timeout": WHOLE_XML, "timeout-ms": WHOLE_XML, "continue-timeout": WHOLE_XML, "http-version": "1|2or1|2",
         "follow-redirects": "true|false", "buffer-request-body": "true|false", "buffer-response": "true|false",
         "fail-on-error-status-code": "true|false"},
        None,
    ),
    "set-variable": ({"name": r"\w+", "value": ".+"}, {}, None),
    "rewrite-uri": ({"template": ".+"}, {"copy-unmatched-params": "true|false"}, None),
}
SECTIONS = {
    "inbound": STEPS.split(),
    "backend": ["choose", "forward-request", "set-backend-service", "return-response", "set-header"],
    "outbound": ["choose", "set-header", "return-response", "set-variable"],
    "on-error": ["choose", "set-header", "return-response", "set-variable"],
}


def element(at, e, section):
    at = f"{at}/{e.tag}"
    if e.tag not in POLICY:
        yield f"{at}: no such policy"
        return
    needed, allowed, inside = POLICY[e.tag]
    known = {**needed, **allowed}
    yield from (f"{at}: no attribute `{a}`" for a in e.attrib if a not in known)
    yield from (f"{at}: `{a}` is missing" for a in needed if a not in e.attrib)
    for a, text in e.attrib.items():
        expression = re.fullmatch(EXPRESSION, text, re.S)
        if a in known and not re.fullmatch(known[a], text, re.S) and not expression:
            yield f"{at}: {a} cannot be `{text}`"
        if expression:
            yield from balanced(f"{at} {a}", text)
    text, inner = (e.text or "").strip(), list(e)
    if inside == "text":
        if not text or inner:
            yield f"{at}: a text is missing"
        yield from balanced(at, text)
        return
    if text:
        yield f"{at}: `{text}` stands in it"
    if inside == "steps":
        yield from steps(at, inner, section)
        return
    order = "".join(f"({re.escape(i.rstrip('*+'))} ){i[-1] if i[-1] in '*+' else '?'}" for i in inside or [])
    if not re.fullmatch(order, "".join(f"{i.tag} " for i in inner)):
        yield f"{at}: {[i.tag for i in inner]} in this order"
    for i in inner:
        yield from element(at, i, section)
    yield from more(at, e)


def more(at, e):
    """What the documentation says beside the words."""
    a = e.attrib
    if e.tag == "set-header" and (a.get("exists-action") == "delete") == bool(len(e)):
        yield f"{at}: a value where a header is deleted, or none where one is set"
    if e.tag == "rate-limit-by-key" and (int(a.get("calls", 0)) < 1 or not 1 <= int(a.get("renewal-period", 0)) <= 300):
        yield f"{at}: a limit of {a}"
    if e.tag == "set-backend-service" and len(a.keys() & {"base-url", "backend-id"}) != 1:
        yield f"{at}: one of base-url and backend-id"
    if e.tag == "forward-request" and len(a.keys() & {"timeout", "timeout-ms"}) > 1:
        yield f"{at}: two time limits"


def balanced(at, text):
    """Brackets of an expression, outside of its texts."""
    code = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    closing, open_ = {")": "(", "]": "[", "}": "{"}, []
    for c in code if text.startswith("@") else "":
        if c in "([{":
            open_.append(c)
        elif c in closing and (not open_ or open_.pop() != closing[c]):
            open_ = ["?"]
            break
    if open_ or code.count('"') % 2:
        yield f"{at}: brackets of `{text}`"


def steps(at, inner, section):
    for i in inner:
        if i.tag not in SECTIONS[section]:
            yield f"{at}: no `{i.tag}` in {section}"
        yield from element(at, i, section)


def azure(path):
    root = ET.parse(path).getroot()
    if root.tag != "policies" or [s.tag for s in root] != list(SECTIONS):
        yield f"sections are {[s.tag for s in root]}, not {list(SECTIONS)}"
        return
    for section in root:
        at = section.tag
        if (section.text or "").strip() or section.attrib:
            yield f"{at}: more than policies"
        inner = [i for i in section if i.tag != "base"]
        if at == "backend" and len(section) != 1:
            yield f"{at}: {len(section)} policies, and it takes one"
        if at != "backend" and len(section) - len(inner) != 1:
            yield f"{at}: not one `base`"
        yield from steps(at, inner, at)


def main():
    check = {"kong": kong, "azure": azure}[sys.argv[1]]
    wrong = [f"{path}: {w}" for path in sys.argv[2:] for w in check(path)]
    if wrong:
        sys.exit("\n".join(wrong))


main()
