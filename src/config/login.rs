//! `credentials`: a credential that is worked out rather than written down.
//!
//! What a login needs is read here, with the rest of the configuration: a file that can't be used is a problem with its
//! line, and one that changes is a change of the configuration. The tokens themselves are fetched elsewhere.
//!
//! Sources, read 2026-11-24: <https://cloud.google.com/docs/authentication/application-default-credentials>,
//! <https://google.aip.dev/auth/4110>, <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>.

use serde::Deserialize;

use super::field::Field;
use super::interpolate::Lookup;
use super::tree::Value;
use super::{Endpoint, Secret};

/// Where Google's tokens are made if a file does not say.
const GOOGLE_TOKENS: &str = "https://oauth2.googleapis.com/token";
/// The variable that names a key file.
const FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
/// The metadata server of Google's machines.
const GOOGLE_MACHINE: &str = "metadata.google.internal";

/// How a credential is worked out. Its `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// A token of Google Cloud.
    Google(GoogleLogin),
    /// Keys of AWS by its usual chain, with which each request is signed.
    Aws {
        /// The region that signatures name.
        region: String,
    },
}

/// Who asks Google for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoogleLogin {
    /// A service account with a key file.
    ServiceAccount {
        /// Its address.
        email: String,
        /// Which of its keys it is.
        key_id: Option<String>,
        /// The key, as PEM.
        private_key: Secret,
        /// Where tokens are made: `https`, or this machine.
        token_uri: String,
    },
    /// A person who has logged in with `gcloud auth application-default login`.
    User {
        /// The program that the login was for.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
        /// What stands for the login.
        refresh_token: Secret,
        /// Where tokens are made: `https`, or this machine.
        token_uri: String,
    },
    /// The account of the machine, by its metadata server.
    Machine {
        /// The server's name or address, perhaps with a port.
        host: String,
    },
}

/// A key file as Google writes it. No message of ours repeats anything of it.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    client_email: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<String>,
    token_uri: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
}

// === impl Login ===

impl Login {
    /// Everything that makes it another login, for a digest.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Aws { region } => vec![region],
            Self::Google(GoogleLogin::Machine { host }) => vec![host],
            Self::Google(GoogleLogin::ServiceAccount {
                email,
                key_id,
                private_key,
                token_uri,
            }) => {
                let key_id = key_id.as_deref().unwrap_or_default();
                vec![email, key_id, private_key.expose(), token_uri]
            }
            Self::Google(GoogleLogin::User {
                client_id,
                client_secret,
                refresh_token,
                token_uri,
            }) => vec![
                client_id,
                client_secret.expose(),
                refresh_token.expose(),
                token_uri,
            ],
        }
    }
}

/// The login of a provider of Vertex AI: `"adc"` or `{ file = "…" }`.
pub(super) fn google(field: &Field<'_>, lookup: &dyn Lookup) -> Option<Login> {
    let login = match &field.node.value {
        Value::Table(_) => {
            let mut section = field.section()?;
            let file = section.field("file");
            section.finish(&["command", "vault", "env"]);
            let Some(file) = file else {
                field.problem("expected { file = \"…\" }, found no `file`", "");
                return None;
            };
            let text = match lookup.secret_file(file.str()?) {
                Ok(text) => text,
                Err(why) => {
                    file.problem(format!("can't read the credential: {why}"), "");
                    return None;
                }
            };
            key_file(&file, &text, "the file")
        }
        Value::Text(text) if text.full == "adc" => application_default(field, lookup),
        _ => {
            // What stands here may be a secret in the wrong place.
            field.problem(
                "expected \"adc\" or { file = \"…\" }",
                "\"adc\" are Google's application default credentials",
            );
            None
        }
    };
    login.map(Login::Google)
}

/// The login of a provider of Bedrock: `"aws"`.
pub(super) fn aws(field: &Field<'_>, region: Option<String>) -> Option<Login> {
    let is_aws = matches!(&field.node.value, Value::Text(text) if text.full == "aws");
    if !is_aws {
        field.problem(
            "expected \"aws\"",
            "its keys come from the environment, a profile, a web identity or the machine",
        );
        return None;
    }
    if !cfg!(feature = "aws") {
        field.conflict(
            "this binary was built without the feature `aws`",
            "build it with `cargo build --release --features aws`, or write an api_key of Bedrock",
        );
        return None;
    }
    let Some(region) = region else {
        field.conflict(
            "expected `region` beside it, found none",
            "signatures name the region: write region = \"eu-central-1\"",
        );
        return None;
    };
    Some(Login::Aws { region })
}

/// Where Google's own programs look: the file that a variable names, the one that gcloud writes, the machine.
fn application_default(field: &Field<'_>, lookup: &dyn Lookup) -> Option<GoogleLogin> {
    let variable = |name: &str| {
        let value = lookup.variable(name);
        value.map(|value| value.filter(|value| !value.is_empty()))
    };
    let unusable = |name: &str, why: &str| field.problem(format!("variable {name} {why}"), "");
    match variable(FILE) {
        Ok(Some(path)) => {
            let whose = format!("the file that {FILE} names");
            return match lookup.secret_file(&path) {
                Ok(text) => key_file(field, &text, &whose),
                Err(why) => {
                    field.problem(format!("can't read {whose}: {why}"), "");
                    None
                }
            };
        }
        Ok(None) => {}
        Err(why) => {
            unusable(FILE, &why);
            return None;
        }
    }
    let folder = match (variable("CLOUDSDK_CONFIG"), variable("HOME")) {
        (Ok(Some(folder)), _) => Some(folder),
        (_, Ok(Some(home))) => Some(format!("{home}/.config/gcloud")),
        _ => None,
    };
    // Whoever has not logged in has no such file: that is no problem where the machine has an account.
    let written = folder.and_then(|folder| {
        let path = format!("{folder}/application_default_credentials.json");
        lookup.secret_file(&path).ok()
    });
    if let Some(text) = written {
        return key_file(field, &text, "the file that gcloud wrote");
    }
    let host = variable("GCE_METADATA_HOST").ok().flatten();
    let host = host.unwrap_or_else(|| GOOGLE_MACHINE.to_owned());
    if Endpoint::new(&format!("http://{host}")).is_ok_and(|it| it.path.is_empty()) {
        return Some(GoogleLogin::Machine { host });
    }
    unusable("GCE_METADATA_HOST", "is not the name of a host");
    None
}

/// A login by the `text` of a key file; `whose` names the file in problems at `field`.
fn key_file(field: &Field<'_>, text: &str, whose: &str) -> Option<GoogleLogin> {
    match read(text) {
        Ok(login) => {
            match &login {
                GoogleLogin::ServiceAccount { private_key, .. } => {
                    field.sink.keep_secret(private_key.expose());
                }
                GoogleLogin::User {
                    client_secret,
                    refresh_token,
                    ..
                } => {
                    field.sink.keep_secret(client_secret.expose());
                    field.sink.keep_secret(refresh_token.expose());
                }
                GoogleLogin::Machine { .. } => {}
            }
            Some(login)
        }
        Err(why) => {
            field.problem(format!("{whose} {why}"), "");
            None
        }
    }
}

fn read(text: &str) -> Result<GoogleLogin, String> {
    let file: KeyFile = serde_json::from_str(text).map_err(|error| {
        // The error itself may repeat a value.
        let line = error.line();
        format!("is no key file of Google: it can't be read beyond line {line}")
    })?;
    let token_uri = file.token_uri.unwrap_or_else(|| GOOGLE_TOKENS.to_owned());
    if !is_safe(&token_uri) {
        return Err("has a `token_uri` that is no https address".to_owned());
    }
    let need = |name: &str, value: Option<String>| {
        let value = value.filter(|value| !value.is_empty());
        value.ok_or_else(|| format!("has no `{name}`"))
    };
    match file.kind.as_str() {
        "service_account" => {
            let private_key = need("private_key", file.private_key)?;
            if !private_key.contains("-----BEGIN PRIVATE KEY-----") {
                return Err("has a `private_key` that is no PEM of PKCS #8".to_owned());
            }
            Ok(GoogleLogin::ServiceAccount {
                email: need("client_email", file.client_email)?,
                key_id: file.private_key_id,
                private_key: Secret::new(private_key),
                token_uri,
            })
        }
        "authorized_user" => Ok(GoogleLogin::User {
            client_id: need("client_id", file.client_id)?,
            client_secret: Secret::new(need("client_secret", file.client_secret)?),
            refresh_token: Secret::new(need("refresh_token", file.refresh_token)?),
            token_uri,
        }),
        "external_account" | "impersonated_service_account" => Err(
            "is of a type that this version does not know: expected service_account or authorized_user"
                .to_owned(),
        ),
        _ => Err("has a `type` that is neither service_account nor authorized_user".to_owned()),
    }
}

/// Whether a secret may be sent there: encrypted, or not over a network.
fn is_safe(address: &str) -> bool {
    let Ok(endpoint) = Endpoint::new(address) else {
        return false;
    };
    let Some(authority) = endpoint.origin.strip_prefix("http://") else {
        return true;
    };
    let local = ["127.0.0.1", "localhost", "[::1]"];
    local.iter().any(|host| {
        let rest = authority.strip_prefix(host);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    })
}
