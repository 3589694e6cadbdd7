"""The catalogue: a class for each known block of the service."""

# ruff: noqa: F403, F405 - a module's public names are those of the catalogue

from __future__ import annotations

# The catalogue is in this order.
# isort: off
from .facts import *
from .catalogue import *
from .sources import *
from .enrichment import *
from .discovery import *
from .data import *
from .output import *

# isort: on

__all__ = [
    "CATALOGUE",
    "CREATE_NEW",
    "UNKNOWN_COLUMNS",
    "About",
    "AppendToNotebook",
    "BacklinksReferringDomains",
    "CatalogueBlock",
    "Column",
    "Columns",
    "CompanyEnrichment",
    "CompanyTier",
    "CompanyToLeads",
    "Condition",
    "Confidence",
    "Criterion",
    "DataframeType",
    "Deduplicate",
    "DeduplicateWrtNotebook",
    "Effect",
    "EmailMode",
    "Fact",
    "FieldMap",
    "Filter",
    "FilterBase",
    "FilterCondition",
    "FilterLogic",
    "FilterOperator",
    "FindEmail",
    "FindPhone",
    "FindSubdomains",
    "GithubFindPeople",
    "Gives",
    "GoogleMapsSearch",
    "GroupBy",
    "HubspotImport",
    "KaggleLeaderboard",
    "LeadEnrichment",
    "LeadsToCompany",
    "LinkedinEnrichment",
    "LlmOpenai",
    "OutgoingWebhook",
    "Price",
    "QaAgent",
    "ReadCsv",
    "ReadNotebook",
    "RemoveColumns",
    "ResearchAgent",
    "ReverseEmail",
    "ReversePhone",
    "Role",
    "ScrapeWeb",
    "Search",
    "SendSlackMessage",
    "Specs",
    "Takes",
    "Tier",
    "TiktokGetFollowing",
    "TransformData",
    "UncheckedBlock",
    "VerifyEmail",
    "Webhook",
    "XSearch",
    "YcBatches",
    "YcCompanies",
    "columns_of",
    "specs_schema",
]


def __dir__() -> list[str]:
    return __all__
