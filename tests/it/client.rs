//! A client of the data plane that looks at every answer to its last byte.

use std::net::SocketAddr;

use reqwest::header::HeaderMap;

use super::daemon::PATIENCE;

/// Keeps its connections, as SDKs do.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(data: SocketAddr) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self {
            http,
            url: format!("http://{data}/v2/proxy/chat/completions"),
            key: None,
        }
    }

    /// The same with a key.
    pub(crate) fn with_key(data: SocketAddr, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..Self::new(data)
        }
    }

    /// Sends `body`; the answer's head has come.
    pub(crate) async fn open(&self, body: &str) -> reqwest::Result<reqwest::Response> {
        let mut request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        request.body(body.to_owned()).send().await
    }

    /// Sends `body` and reads the whole answer.
    pub(crate) async fn chat(&self, body: &str) -> reqwest::Result<Got> {
        let answer = self.open(body).await?;
        Ok(Got {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await?,
        })
    }
}

impl Got {
    /// Whether it is an answer with its end.
    pub(crate) fn is_whole(&self) -> bool {
        let text = self.body.trim_end();
        self.status == 200 && (text.ends_with("data: [DONE]") || text.ends_with('}'))
    }

    /// Whether it is a stream with its end; one that ends with an error event is none.
    pub(crate) fn is_whole_stream(&self) -> bool {
        self.status == 200 && self.body.trim_end().ends_with("data: [DONE]")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}
