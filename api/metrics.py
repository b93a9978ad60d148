"""Metrics over JSON."""

import dataclasses
from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.certificates import (
    CertificateBodySchema,
    CertificateSchema,
    CertificatesSchema,
)
from api.schemas.metrics import (
    MetricBodySchema,
    MetricDefinitionSchema,
    MetricEntrySchema,
    MetricSchema,
)
from api.schemas.paging import PageQuery, page_schema
from experiments import certificates, metrics
from experiments.errors import InvalidInput
from experiments.metric_definition import MetricDefinition
from experiments.models import Certificate, Metric
from experiments.vocabulary import PersonRole

resource = Resource("metrics", "Named measures, in append-only versions.")

LIST = Endpoint(
    role=PersonRole.VIEWER,
    to="read metrics",
    answer=page_schema(MetricSchema),
    query=PageQuery,
)
READ = Endpoint(role=PersonRole.VIEWER, to="read metrics", answer=MetricSchema)
CREATE = Endpoint(
    role=PersonRole.ANALYST,
    to="define metrics",
    answer=MetricSchema,
    body=MetricBodySchema,
    creates=True,
)
DESCRIBE = Endpoint(
    role=PersonRole.ANALYST,
    to="define metrics",
    answer=MetricSchema,
    body=MetricEntrySchema,
)
ADD_VERSION = Endpoint(
    role=PersonRole.ANALYST,
    to="define metrics",
    answer=MetricSchema,
    body=MetricDefinitionSchema,
    creates=True,
)
CERTIFICATES = Endpoint(
    role=PersonRole.VIEWER, to="read metrics", answer=CertificatesSchema
)
CERTIFY = Endpoint(
    role=PersonRole.ANALYST,
    to="ask for certificates",
    answer=CertificateSchema,
    body=CertificateBodySchema,
    creates=True,
)
_DEFINITION = {field.name for field in dataclasses.fields(MetricDefinition)}


@resource.route("GET", "/metrics", LIST)
def list_metrics(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the metrics, by key."""
    limit = query["limit"]
    after = place_of("metrics", query.get("cursor"), str)
    rows = metrics.listing(call.session, after_key=after, limit=limit + 1)
    return page("metrics", rows, limit, lambda row: row.key)


@resource.route("POST", "/metrics", CREATE)
def create_metric(call: Call, body: dict[str, Any]) -> Metric:
    """Define a metric, in its version 1."""
    key, definition = body.pop("key"), body.pop("definition")
    try:
        return metrics.create(
            call.session,
            key=key,
            entry=metrics.CatalogueEntry(**body),
            definition=definition,
            actor=call.actor,
            now=call.now,
        )
    except InvalidInput as error:
        # The form is flat; here the definition is an object of its own.
        fields = {
            f"definition.{name}" if name in _DEFINITION else name: fault
            for name, fault in error.fields.items()
        }
        raise InvalidInput(error.message, fields) from error


@resource.route("GET", "/metrics/<key:key>", READ)
def read_metric(call: Call, key: str) -> Metric:
    """Read a metric with all its versions."""
    return metrics.get(call.session, key)


@resource.route("PUT", "/metrics/<key:key>", DESCRIBE)
def describe_metric(call: Call, body: dict[str, Any], key: str) -> Metric:
    """Change what the catalogue says of a metric; its definition stays as it is."""
    entry = metrics.CatalogueEntry(**body)
    return metrics.describe(call.session, key, entry, actor=call.actor, now=call.now)


@resource.route("POST", "/metrics/<key:key>/versions", ADD_VERSION)
def add_metric_version(call: Call, body: MetricDefinition, key: str) -> Metric:
    """Define a metric anew; running experiments keep the version of their plan."""
    return metrics.add_version(call.session, key, body, actor=call.actor, now=call.now)


@resource.route("GET", "/metrics/<key:key>/certificates", CERTIFICATES)
def read_certificates(call: Call, key: str) -> dict[str, Any]:
    """Read how often comparisons by a metric err, as far as that was tried."""
    newest = metrics.get(call.session, key).versions[-1]
    standing = certificates.standings(call.session, [newest])[newest.id]
    return {
        "standing": standing.state,
        "items": certificates.listing(call.session, key),
    }


@resource.route("POST", "/metrics/<key:key>/certificates", CERTIFY)
def ask_for_certificate(call: Call, body: dict[str, Any], key: str) -> Certificate:
    """Ask for a trial of a metric's newest definition; it takes minutes."""
    return certificates.ask(call.session, key, **body, actor=call.actor, now=call.now)
