"""Code to paste into an app: how it asks for a variant, client by client."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from experiments.vocabulary import ParameterType

CUSTOMER = "customer-42"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of code to paste."""

    title: str
    code: str


@dataclass(frozen=True, slots=True)
class Flag:
    """An experiment as an app sees it.

    Attributes:
        key: of the experiment.
        kind: type of its value.
        default: control's value, which the app gives when it is told nothing.
        attributes: what the segment's rule reads, each with an example.
    """

    key: str
    kind: ParameterType
    default: Any
    attributes: Mapping[str, Any]


_METHODS: Mapping[ParameterType, tuple[str, str]] = {
    ParameterType.STRING: ("string", "String"),
    ParameterType.BOOLEAN: ("boolean", "Boolean"),
    ParameterType.INTEGER: ("integer", "Number"),
    ParameterType.FLOAT: ("float", "Number"),
    ParameterType.JSON: ("object", "Object"),
}
_OPENFEATURE_PYTHON = Template("""\
# pip install openfeature-sdk openfeature-provider-ofrep
import os

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

headers = {"Authorization": "Bearer " + os.environ["ABIDE_SERVER_KEY"]}
provider = OFREPProvider("$url", headers_factory=lambda: headers)
api.set_provider(provider)

attributes = $attributes
customer = EvaluationContext("$customer", attributes)
client = api.get_client()
given = client.get_${method}_details("$key", $default, customer)
print(given.variant, given.value)
""")
_OPENFEATURE_JAVASCRIPT = Template("""\
// npm install @openfeature/server-sdk @openfeature/ofrep-provider
const { OpenFeature } = require("@openfeature/server-sdk");
const { OFREPProvider } = require("@openfeature/ofrep-provider");

async function main() {
  const headers = [["Authorization", "Bearer " + process.env.ABIDE_SERVER_KEY]];
  const provider = new OFREPProvider({ baseUrl: "$url", headers });
  await OpenFeature.setProviderAndWait(provider);

  const customer = $attributes;
  const client = OpenFeature.getClient();
  const given = await client.get${method}Details("$key", $default, customer);
  console.log(given.variant, given.value);
}

main();
""")
_GROWTHBOOK_PYTHON = Template("""\
# pip install growthbook requests
import os

from growthbook import GrowthBook
from growthbook.plugins import GrowthBookTrackingPlugin

gb = GrowthBook(
    api_host="$url",
    client_key=os.environ["ABIDE_CLIENT_KEY"],
    remote_eval=True,  # leave it out with a key that may read rules
    attributes=$attributes,
    plugins=[GrowthBookTrackingPlugin("$url")],  # exposures
)
gb.load_features()
print(gb.get_feature_value("$key", $default))
gb.destroy()
""")
_GROWTHBOOK_JAVASCRIPT = Template("""\
// npm install @growthbook/growthbook
const { GrowthBook } = require("@growthbook/growthbook");
const { growthbookTrackingPlugin } = require("@growthbook/growthbook/plugins");

async function main() {
  const gb = new GrowthBook({
    apiHost: "$url",
    clientKey: process.env.ABIDE_CLIENT_KEY,
    remoteEval: true, // leave it out with a key that may read rules
    attributes: $attributes,
    plugins: [growthbookTrackingPlugin({ ingestorHost: "$url" })], // reports exposures
  });
  await gb.init();
  console.log(gb.getFeatureValue("$key", $default));
  gb.destroy();
}

main();
""")


def quick_starts(flag: Flag, url: str) -> Sequence[Snippet]:
    """Write how an app gets the variant of one customer.

    Args:
        flag: what it asks for.
        url: where this installation is reached.

    Returns:
        Code with names of keys, never with keys; it runs as it stands.
    """
    python, javascript = _METHODS[flag.kind]
    named = {"id": CUSTOMER, **flag.attributes}
    keyed = {"targetingKey": CUSTOMER, **flag.attributes}
    common = {"url": url, "key": flag.key, "customer": CUSTOMER}
    in_python = {**common, "method": python, "default": _python(flag.default)}
    in_javascript = {**common, "method": javascript, "default": _json(flag.default)}
    asked = {
        "unit": CUSTOMER,
        "attributes": flag.attributes,
        "experiments": [flag.key],
    }
    auth = '-H "Authorization: Bearer $ABIDE_SERVER_KEY"'
    return [
        Snippet(
            "Ask which variant a customer gets: curl",
            curl(f"{url}/api/v1/assignments", auth, asked),
        ),
        Snippet(
            "Ask with OpenFeature in Python",
            _OPENFEATURE_PYTHON.substitute(
                in_python, attributes=_python(flag.attributes)
            ),
        ),
        Snippet(
            "Ask with OpenFeature in JavaScript",
            _OPENFEATURE_JAVASCRIPT.substitute(in_javascript, attributes=_json(keyed)),
        ),
        Snippet(
            "Ask with GrowthBook in Python",
            _GROWTHBOOK_PYTHON.substitute(in_python, attributes=_python(named)),
        ),
        Snippet(
            "Ask with GrowthBook in JavaScript",
            _GROWTHBOOK_JAVASCRIPT.substitute(in_javascript, attributes=_json(named)),
        ),
    ]


def curl(url: str, auth: str, body: object) -> str:
    """Write a request for a shell.

    Args:
        url: where to.
        auth: curl's arguments that show the key.
        body: sent as JSON.

    Returns:
        One command.
    """
    text = json.dumps(body, indent=2, ensure_ascii=False).replace("'", "'\\''")
    return (
        f"curl {url} \\\n  {auth} \\\n  -H 'Content-Type: application/json' \\\n"
        f"  -d '{text}'"
    )


def _python(value: object) -> str:
    """Write a JSON value as Python, with the quotes that the rest of the code has."""
    if isinstance(value, Mapping):
        pairs = (f"{_python(name)}: {_python(one)}" for name, one in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_python, value)) + "]"
    return _json(value) if isinstance(value, str) else repr(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
