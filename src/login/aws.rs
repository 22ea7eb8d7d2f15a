//! Keys of AWS by its usual chain: environment, profiles, web identity, container, machine.
//!
//! The chain is built anew for each look, so that a profile that was written meanwhile is seen.

use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;

use super::{Fresh, NoToken};
use crate::provider::access::Pass;
use crate::provider::aws::Signer;

/// Keys that do not end are looked at again after most of this time: who replaces them may leave the old ones working.
const UNENDING: Duration = Duration::from_secs(3_600);

/// Keys for Bedrock in `region`.
pub(super) async fn fetch(region: &str, unix_seconds: u64) -> Result<Fresh, NoToken> {
    let region = region.to_owned();
    let chain = DefaultCredentialsChain::builder()
        .region(Region::new(region.clone()))
        .build()
        .await;
    let found = chain.provide_credentials().await;
    let keys = found.map_err(|error| NoToken::Aws(why(&error)))?;
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds);
    let life = keys.expiry().map_or(UNENDING, |end| {
        end.duration_since(now).unwrap_or(Duration::ZERO)
    });
    Ok(Fresh {
        pass: Pass::Aws(Signer::bedrock(keys, region)),
        life,
    })
}

/// In our words: the chain's own may quote a file.
const fn why(error: &CredentialsError) -> &'static str {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "none in the environment, a profile, a web identity or the machine"
        }
        CredentialsError::ProviderTimedOut(_) => "who hands them out did not answer in time",
        CredentialsError::InvalidConfiguration(_) => "a profile or variable is wrong",
        CredentialsError::ProviderError(_) => "who hands them out refused or failed",
        _ => "the chain failed",
    }
}
