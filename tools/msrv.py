"""Checks that no dependency asks for a newer Rust than Cargo.toml declares."""

import json
import subprocess
import sys


def version(text):
    return tuple(int(part) for part in (text + ".0.0").split(".")[:3])


metadata = json.loads(
    subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"])
)
packages = {package["id"]: package for package in metadata["packages"]}
root = packages[metadata["resolve"]["root"]]
declared = root["rust_version"]

# Only what ends up in the program counts; development tools may be newer.
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
reached, queue = set(), [root["id"]]
while queue:
    current = queue.pop()
    if current in reached:
        continue
    reached.add(current)
    for dependency in nodes[current]["deps"]:
        if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
            queue.append(dependency["pkg"])

newer = [
    f"{packages[i]['name']} {packages[i]['version']} needs {packages[i]['rust_version']}"
    for i in sorted(reached)
    if packages[i].get("rust_version")
    and version(packages[i]["rust_version"]) > version(declared)
]
if newer:
    print(f"declared rust-version is {declared}, but:", *newer, sep="\n  ")
    sys.exit(1)
print(f"rust-version {declared} holds for {len(reached)} packages")
