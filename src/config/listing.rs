//! Prices that nobody had to write down: whose list prices a provider has, and what an upstream costs in the end.

use crate::catalogue;
use crate::model::{Price, UpstreamName};

use super::quantity::discounted;
use super::{Config, Endpoint, Provider, ProviderKind};
use crate::balance::Share;

/// What `[prices]` says about a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPrice {
    /// As written.
    pub list: Price,
    /// After the provider's discount.
    pub net: Price,
    /// The day on which it was looked up, such as `2026-11-23`.
    pub date: Option<String>,
    /// Where.
    pub source: Option<String>,
}

/// Hosts whose list prices are published, with their kind in the [`catalogue`]. Anything else (a server of one's own, a
/// gateway, a region with a surcharge) may speak the same language and has other prices.
/// Source: `api_pattern` in the data of <https://pypi.org/project/genai-prices/> 0.2.3, 2026-11-23, and the base addresses of
/// the providers' own clients.
const HOSTS: &[(&str, &str)] = &[
    ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("generativelanguage.googleapis.com", "gemini"),
    ("aiplatform.googleapis.com", "vertex"),
    ("api.cohere.ai", "cohere"),
    ("api.cohere.com", "cohere"),
    ("api.mistral.ai", "mistral"),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "xai"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("openrouter.ai", "openrouter"),
    ("api.cerebras.ai", "cerebras"),
    ("api.perplexity.ai", "perplexity"),
    ("integrate.api.nvidia.com", "nvidia"),
    ("router.huggingface.co", "huggingface"),
];
/// The same for hosts that begin with a name of the customer's or a region.
const DOMAINS: &[(&str, &str)] = &[
    (".openai.azure.com", "azure"),
    (".services.ai.azure.com", "azure"),
    ("-aiplatform.googleapis.com", "vertex"),
];

// === impl Provider ===

impl Provider {
    /// The kind in the [`catalogue`] whose list prices and models this provider has; `None` for a server of one's own, a
    /// simulated provider, and whatever else is not known by its address.
    pub fn catalogue(&self) -> Option<&'static str> {
        match &self.kind {
            ProviderKind::Api { base, .. } => by_host(base),
            ProviderKind::Simulated { .. } => None,
        }
    }

    /// The published price of `model`, less this provider's discount.
    pub fn published(&self, model: &str) -> Option<Price> {
        let price = catalogue::find(self.catalogue()?, model)?.price?;
        Some(self.discounted(price))
    }

    /// A list price less this provider's discount.
    pub(super) fn discounted(&self, list: Price) -> Price {
        let discount = Share::from_fraction(self.discount).ppm();
        list.each(|amount| discounted(amount, discount))
    }
}

/// Only over https, at the usual port: what goes elsewhere goes to somebody else.
fn by_host(base: &Endpoint) -> Option<&'static str> {
    let host = base.origin.strip_prefix("https://")?.to_ascii_lowercase();
    let host = host.strip_suffix(":443").unwrap_or(&host);
    let whole = HOSTS.iter().find(|(name, _)| *name == host);
    let end = || DOMAINS.iter().find(|(domain, _)| host.ends_with(domain));
    let is_bedrock = host.starts_with("bedrock-runtime.") && host.ends_with(".amazonaws.com");
    let known = whole.or_else(end).map(|(_, kind)| *kind);
    known.or_else(|| is_bedrock.then_some("bedrock"))
}

// === impl Config ===

impl Config {
    /// What `name` costs at `provider`: as `[prices]` says, else as published, both less the discount.
    pub fn price(&self, name: &UpstreamName, provider: &Provider) -> Option<Price> {
        let written = self.prices.get(name).map(|price| price.net);
        written.or_else(|| provider.published(name.model()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_providers_own_addresses_have_their_prices() {
        for (address, expected) in [
            ("https://api.openai.com/v1", Some("openai")),
            ("https://API.OpenAI.com:443/v1", Some("openai")),
            ("https://api.groq.com/openai/v1", Some("groq")),
            ("https://acme-eu.openai.azure.com/openai/v1", Some("azure")),
            (
                "https://europe-west4-aiplatform.googleapis.com/v1",
                Some("vertex"),
            ),
            (
                "https://bedrock-runtime.eu-central-1.amazonaws.com",
                Some("bedrock"),
            ),
            ("http://api.openai.com/v1", None),
            ("https://api.openai.com:8443/v1", None),
            ("https://eu.api.openai.com/v1", None),
            ("https://api.openai.com.example.org/v1", None),
            ("https://openai.azure.com.example.org", None),
            ("http://127.0.0.1:8000/v1", None),
        ] {
            let base = Endpoint::new(address).unwrap();
            assert_eq!(by_host(&base), expected, "{address}");
        }
        let known = HOSTS.iter().chain(DOMAINS);
        for (host, kind) in known {
            assert!(catalogue::KINDS.contains(kind), "{host}: {kind}");
        }
    }
}
