"""Validates one RO-Crate against Process Run Crate at the level REQUIRED, and tells what it lacks of RECOMMENDED.

The standard address of the context is answered by the copy in tests/fixtures: nothing is fetched.
"""

import json
import sys
from pathlib import Path

from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.utils.http import HttpRequester

CONTEXT = Path(__file__).parent.parent / "tests/fixtures/ro-crate-1.1-context.jsonld"


class FromTheFixture:
    status_code = 200
    headers = {"Content-Type": "application/ld+json"}
    text = CONTEXT.read_text()
    content = text.encode()

    def __init__(self, url):
        if url != "https://w3id.org/ro/crate/1.1/context":
            raise RuntimeError(f"the crate refers to {url}, which is fetched by nobody here")

    def json(self):
        return json.loads(self.text)


def issues(crate, severity):
    settings = ValidationSettings(
        rocrate_uri=crate,
        profile_identifier="process-run-crate",
        requirement_severity=severity,
        enable_profile_inheritance=True,
        abort_on_first=False,
    )
    return services.validate(settings).get_issues()


HttpRequester.get = lambda self, url, **_: FromTheFixture(url)
HttpRequester.head = HttpRequester.get
crate = sys.argv[1]
required = issues(crate, Severity.REQUIRED)
for issue in required:
    print(f"{crate}: {issue.message} ({issue.violatingEntity})", file=sys.stderr)
lacking = {issue.message for issue in issues(crate, Severity.RECOMMENDED)}
for message in sorted(str(message) for message in lacking):
    print(f"{crate}: recommended: {message}")
print(f"{crate}: {'not ' if required else ''}a Process Run Crate, {len(required)} errors")
sys.exit(1 if required else 0)
