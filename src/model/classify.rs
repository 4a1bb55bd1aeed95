//! What the words of an interaction say about it.

/// Request methods of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are those of RFC 9110")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    /// The method called `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Get,
            Self::Head,
            Self::Post,
            Self::Put,
            Self::Patch,
            Self::Delete,
            Self::Options,
        ]
        .into_iter()
        .find(|m| m.name().eq_ignore_ascii_case(word))
    }

    /// Whether it changes nothing at the callee (RFC 9110, section 9.2.1).
    #[must_use]
    pub fn safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// Whether a request changes nothing by definition (RFC 9110, section 9.2.1).
    #[must_use]
    pub fn reads(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }

    /// Whether repeating a request is safe by definition (RFC 9110, section 9.2.2).
    #[must_use]
    pub fn idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

/// How a service is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP; the method if it is said.
    Rest(Option<Method>),
    /// gRPC.
    Grpc,
    /// GraphQL.
    GraphQl,
    /// Any other, in the author's spelling.
    Other(String),
}

/// Protocols in whose words nothing says that they are carried by HTTP.
const OVER_HTTP: [&str; 9] = [
    "connect", "graphql", "json-rpc", "jsonrpc", "odata", "soap", "sse", "trpc", "twirp",
];

impl Protocol {
    /// Whether proxies see requests of HTTP in it, gRPC included. Of a word that nobody knows they do not.
    #[must_use]
    pub fn is_http(&self) -> bool {
        let Self::Other(word) = self else {
            return true;
        };
        let word = word.to_ascii_lowercase();
        ["http", "rest", "hook", "websocket"]
            .iter()
            .any(|w| word.contains(w))
            || OVER_HTTP.contains(&word.as_str())
    }

    /// The protocol that `word` names; `operation` tells the method of HTTP.
    #[must_use]
    pub fn parse(word: &str, operation: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "rest" | "http" | "https" => {
                Self::Rest(operation.split_whitespace().next().and_then(Method::parse))
            }
            "grpc" => Self::Grpc,
            "graphql" => Self::GraphQl,
            _ => Self::Other(word.to_owned()),
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Rest(_) => "REST",
            Self::Grpc => "gRPC",
            Self::GraphQl => "GraphQL",
            Self::Other(name) => name,
        }
    }
}

/// How a stream is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// WebSocket.
    WebSocket,
    /// Server-sent events.
    Sse,
    /// A streaming gRPC method.
    GrpcStream,
}

impl Transport {
    /// Every transport by the name that a spec uses.
    pub const NAMES: [&'static str; 3] = ["WebSocket", "SSE", "gRPC-stream"];

    /// The transport called `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "websocket" | "websockets" | "ws" | "wss" => Some(Self::WebSocket),
            "sse" => Some(Self::Sse),
            "grpc-stream" | "grpcstream" => Some(Self::GrpcStream),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "WebSocket",
            Self::Sse => "SSE",
            Self::GrpcStream => "gRPC-stream",
        }
    }
}

const STORE_KINDS: [&str; 30] = [
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mssql",
    "sqlserver",
    "oracle",
    "mongodb",
    "mongo",
    "redis",
    "valkey",
    "memcached",
    "cassandra",
    "dynamodb",
    "cosmosdb",
    "firestore",
    "spanner",
    "bigtable",
    "elasticsearch",
    "opensearch",
    "s3",
    "gcs",
    "blob",
    "sqlite",
    "neo4j",
    "etcd",
    "clickhouse",
    "alloydb",
    "file",
    "cockroachdb",
];

/// Whether `word` is a kind of store rather than the name of one.
#[must_use]
pub fn is_known_store(word: &str) -> bool {
    STORE_KINDS.contains(&word.to_ascii_lowercase().as_str())
}
