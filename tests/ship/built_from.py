"""What a program carries of its dependencies, against Cargo.lock: built_from.py PROGRAM FOLDER TARGET [SBOM]

cargo-auditable puts it into a section of the program, as JSON, compressed. Given an SBOM, that must name the same.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
import zlib
from pathlib import Path

program, folder, target = sys.argv[1], Path(sys.argv[2]), sys.argv[3]


def carried():
    with tempfile.NamedTemporaryFile() as section:
        words = ["objcopy", "--dump-section", f".dep-v0={section.name}", program, "/dev/null"]
        dumped = subprocess.run(words, capture_output=True, text=True)
        if dumped.returncode != 0 or not (data := Path(section.name).read_bytes()):
            raise SystemExit(f"it carries nothing: was it built with `cargo auditable build`? {dumped.stderr}")
    return json.loads(zlib.decompress(data))["packages"]


def names(packages):
    return {(package["name"], package["version"]) for package in packages}


def needed():
    """Every crate that the program is linked with, as Cargo resolves them."""
    words = ["cargo", "tree", "--locked", "--offline", "--edges", "normal", "--target", target, "--prefix", "none"]
    lines = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()
    return {tuple(line.replace(" v", " ", 1).split()[:2]) for line in lines if line}


packages = carried()
runtime = [package for package in packages if package.get("kind", "runtime") == "runtime"]
locked = names(tomllib.loads((folder / "Cargo.lock").read_text())["package"])
assert names(packages) <= locked, f"not in Cargo.lock: {names(packages) - locked}"
assert needed() <= names(packages), f"not carried: {needed() - names(packages)}"
for crate in ["openssl-sys", "native-tls", "aws-lc-sys"]:
    assert crate not in {name for name, _ in names(packages)}, f"{crate} is in it"
print(f"{len(runtime)} crates in the program, {len(packages) - len(runtime)} more to build it")

if len(sys.argv) > 4:
    sbom = json.loads(Path(sys.argv[4]).read_text())
    assert sbom["bomFormat"] == "CycloneDX", sbom.get("bomFormat")
    told = names(sbom["components"]) | names([sbom["metadata"]["component"]])
    assert needed() <= told, f"not in the SBOM: {needed() - told}"
    bare = [component["name"] for component in sbom["components"] if not component.get("licenses")]
    assert not bare, f"without a licence in the SBOM: {bare}"
    print(f"{len(told)} crates in the SBOM, each with its licence")
