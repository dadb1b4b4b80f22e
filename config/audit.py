"""What pip-audit found, read from stdin as JSON, in a line each; `make audit` runs it.

Ends with 1 where a package has a known vulnerability. Where the data about vulnerabilities cannot be had, it says so:
that is no fault of the packages, but no word for them either.
"""

import json
import sys
from typing import Any


def main() -> int:
    try:
        packages: list[dict[str, Any]] = json.loads(sys.stdin.read())["dependencies"]
    except (ValueError, KeyError):
        print("Nothing was audited: pip-audit could not be had, or could not ask for vulnerabilities.")
        return 0
    audited = [package for package in packages if "skip_reason" not in package]
    vulnerable = [package for package in audited if package["vulns"]]
    for package in vulnerable:
        for found in package["vulns"]:
            mended = ", ".join(found["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {found['id']}, mended in {mended}")
    if missed := len(packages) - len(audited):
        print(f"Not audited, for nothing could be learnt about them: {missed} of {len(packages)} packages.")
    if audited:
        print(f"Audited: {len(audited)} packages; with known vulnerabilities: {len(vulnerable) or 'none'}.")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
