"""Prints the findings of pip-audit, which it reads from stdin as JSON, one per line; `make audit` runs it.

Exits with 1 if a package has a known vulnerability. If the data about vulnerabilities are not available, it says so and
exits with 0.
"""

import json
import sys
from typing import Any


def main() -> int:
    try:
        packages: list[dict[str, Any]] = json.loads(sys.stdin.read())["dependencies"]
    except (ValueError, KeyError):
        print("Nothing was audited: pip-audit could not be installed, or could not reach its data. Check the network.")
        return 0
    audited = [package for package in packages if "skip_reason" not in package]
    vulnerable = [package for package in audited if package["vulns"]]
    for package in vulnerable:
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}")
    if missed := len(packages) - len(audited):
        print(f"Not audited, because no data about them are available: {missed} of {len(packages)} packages.")
    if audited:
        print(f"Audited: {len(audited)} packages; with known vulnerabilities: {len(vulnerable) or 'none'}.")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
