"""The catalogue: every kind that is known, by the name that the service gives it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ._ai import LlmOpenai, QaAgent, ResearchAgent, TransformData
from ._data import Deduplicate, DeduplicateWrtNotebook, Filter, GroupBy, RemoveColumns
from ._discovery import (
    CompanyToLeads,
    GithubFindPeople,
    GoogleMapsSearch,
    LeadsToCompany,
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
from ._facts import CatalogueBlock
from ._integrations import HubspotImport, YcBatches, YcCompanies
from ._output import AppendToNotebook, OutgoingWebhook, SendSlackMessage
from ._social import KaggleLeaderboard, TiktokGetFollowing, XSearch
from ._sources import ReadCsv, ReadNotebook, Search, Webhook
from ._web import BacklinksReferringDomains, FindSubdomains, ScrapeWeb

CATALOGUE: Final[Mapping[str, type[CatalogueBlock]]] = MappingProxyType(
    {
        block.kind: block
        for block in (
            # In
            Webhook,
            ReadCsv,
            ReadNotebook,
            Search,
            # Enrichment
            CompanyEnrichment,
            LeadEnrichment,
            LinkedinEnrichment,
            FindEmail,
            FindPhone,
            VerifyEmail,
            ReverseEmail,
            ReversePhone,
            # Discovery
            CompanyToLeads,
            LeadsToCompany,
            GithubFindPeople,
            GoogleMapsSearch,
            # Web
            ScrapeWeb,
            BacklinksReferringDomains,
            FindSubdomains,
            # Social
            XSearch,
            TiktokGetFollowing,
            KaggleLeaderboard,
            # AI
            LlmOpenai,
            QaAgent,
            ResearchAgent,
            TransformData,
            # Data operations
            Filter,
            Deduplicate,
            DeduplicateWrtNotebook,
            GroupBy,
            RemoveColumns,
            # Out
            AppendToNotebook,
            SendSlackMessage,
            OutgoingWebhook,
            # Integrations and special lists
            HubspotImport,
            YcBatches,
            YcCompanies,
        )
    }
)
"""Catalogue class of each kind."""
