"""The catalogue: a class for each known block of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ..errors import unknown_name
from ._ai import Criterion, LlmOpenai, QaAgent, ResearchAgent, TransformData
from ._catalogue import CATALOGUE
from ._data import (
    Condition,
    Deduplicate,
    DeduplicateWrtNotebook,
    Filter,
    FilterBase,
    FilterCondition,
    GroupBy,
    RemoveColumns,
)
from ._discovery import (
    BacklinksReferringDomains,
    CompanyToLeads,
    FindSubdomains,
    GithubFindPeople,
    GoogleMapsSearch,
    KaggleLeaderboard,
    LeadsToCompany,
    ScrapeWeb,
    TiktokGetFollowing,
    XSearch,
)
from ._enrichment import (
    CompanyEnrichment,
    FindEmail,
    FindPhone,
    LeadEnrichment,
    LinkedinEnrichment,
    ReverseEmail,
    ReversePhone,
    VerifyEmail,
)
from ._facts import (
    CONFIDENCE,
    UNKNOWN_COLUMNS,
    About,
    CatalogueBlock,
    Column,
    Columns,
    Confidence,
    Effect,
    Fact,
    Gives,
    Price,
    Role,
    Takes,
    facts_of,
)
from ._facts import EFFECT_WORDS as EFFECT_WORDS
from ._facts import describe_rows as describe_rows
from ._facts import describe_words as describe_words
from ._facts import spec_types as spec_types
from ._fields import FieldMap, Specs, UncheckedBlock, columns_of
from ._integrations import HubspotImport, YcBatches, YcCompanies
from ._output import AppendToNotebook, OutgoingWebhook, SendSlackMessage
from ._registry import BUILT_IN as BUILT_IN
from ._registry import is_built_in as is_built_in
from ._registry import of_catalogue as of_catalogue
from ._registry import when_class_joins as when_class_joins
from ._schema import DIALECT as DIALECT
from ._schema import JSON_TYPES as JSON_TYPES
from ._schema import describe_kind, field_docs, specs_schema
from ._sources import ReadCsv, ReadNotebook, Search, Webhook
from ._words import (
    CREATE_NEW,
    DATAFRAME_TYPES,
    EMAIL_MODES,
    FILTER_LOGIC,
    FILTER_OPERATORS,
    OLD_NAMES,
    TYPE_WORDS,
    UNARY_OPERATORS,
    CompanyTier,
    DataframeType,
    EmailMode,
    FilterLogic,
    FilterOperator,
    Tier,
)

__all__ = [
    "CATALOGUE",
    "CONFIDENCE",
    "CREATE_NEW",
    "DATAFRAME_TYPES",
    "EMAIL_MODES",
    "FILTER_LOGIC",
    "FILTER_OPERATORS",
    "OLD_NAMES",
    "TYPE_WORDS",
    "UNARY_OPERATORS",
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
    "describe_kind",
    "facts_of",
    "field_docs",
    "specs_schema",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a type checker has to see that a name is wrong

    def __getattr__(name: str) -> NoReturn:
        advice = (
            "`flow64 blocks` lists all of them; write "
            'RawBlock("new_kind", specs={...}) for a kind that is not there'
        )
        raise unknown_name(__name__, name, __all__, "flow64", advice)
