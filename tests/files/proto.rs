//! Protocol Buffers: packages, services, methods, messages, the health service, and what `buf` is told.

use super::{
    Doc, Wrong, made_of, only, survivors,
    words::{compare, words},
};

/// A package with a version, one without and one that follows from the design, a name that two services of a
/// package have, a stream, a call that is repeated although it changes something, and contracts of others.
const SHOP: &str = r#"
title = "Shop"
infrastructure = "kubernetes"
actors = ["app"]
services = ["orders", "cart", "ledger", { name = "bank", external = true }]
sync = [
  { call = "app --gRPC shop.v1.OrderService/Place--> orders", timeout = "2s", retries = 0 },
  { call = "orders --gRPC shop.v1.CartService/GetCart--> cart", timeout = "300ms", retries = 2 },
  { call = "orders --gRPC shop.v1.CartService/Clear--> cart", timeout = "300ms", retries = 0 },
  { call = "orders --gRPC shop.v1.LedgerService/Clear--> ledger", timeout = "300ms", retries = 2, idempotent = true },
  { call = "orders --gRPC old.Ledger/Sum--> ledger", timeout = "300ms", retries = 0, idempotent = true },
  { call = "cart --gRPC Book--> ledger", timeout = "200ms", retries = 0 },
  { call = "ledger --gRPC bank.v1.BankService/Pay--> bank", timeout = "200ms", retries = 0 },
]
realtime = ["orders --gRPC-stream shop.v1.OrderService/Watch--> app"]
"#;

/// What the files say beside their comments.
const FILES: [(&str, &str); 7] = [
    (
        "buf.yaml",
        "version: v2\nmodules:\n- path: .\nlint:\nuse:\n- STANDARD\nignore:\n- grpc/health\n",
    ),
    (
        "grpc/health/v1/health.proto",
        r#"
syntax = "proto3";
package grpc.health.v1;
service Health {
rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
}
message HealthCheckRequest {
string service = 1;
}
message HealthCheckResponse {
enum ServingStatus {
UNKNOWN = 0;
SERVING = 1;
NOT_SERVING = 2;
SERVICE_UNKNOWN = 3;
}
ServingStatus status = 1;
}
"#,
    ),
    (
        "old/ledger.proto",
        r#"
syntax = "proto3";
// buf:lint:ignore PACKAGE_VERSION_SUFFIX
package old;
// buf:lint:ignore SERVICE_SUFFIX
service Ledger {
rpc Sum(SumRequest) returns (SumResponse) {
option idempotency_level = IDEMPOTENT;
}
}
message SumRequest {}
message SumResponse {}
"#,
    ),
    (
        "shop/ledger/v1/ledger_service.proto",
        r#"
syntax = "proto3";
package shop.ledger.v1;
service LedgerService {
rpc Book(BookRequest) returns (BookResponse);
}
message BookRequest {}
message BookResponse {}
"#,
    ),
    (
        "shop/v1/cart_service.proto",
        r#"
syntax = "proto3";
package shop.v1;
service CartService {
rpc Clear(CartServiceClearRequest) returns (CartServiceClearResponse);
rpc GetCart(GetCartRequest) returns (GetCartResponse) {
option idempotency_level = IDEMPOTENT;
}
}
message CartServiceClearRequest {}
message CartServiceClearResponse {}
message GetCartRequest {}
message GetCartResponse {}
"#,
    ),
    (
        "shop/v1/ledger_service.proto",
        r#"
syntax = "proto3";
package shop.v1;
service LedgerService {
rpc Clear(LedgerServiceClearRequest) returns (LedgerServiceClearResponse) {
option idempotency_level = IDEMPOTENT;
}
}
message LedgerServiceClearRequest {
string idempotency_key = 1;
}
message LedgerServiceClearResponse {}
"#,
    ),
    (
        "shop/v1/order_service.proto",
        r#"
syntax = "proto3";
package shop.v1;
service OrderService {
rpc Place(PlaceRequest) returns (PlaceResponse);
rpc Watch(WatchRequest) returns (stream WatchResponse);
}
message PlaceRequest {}
message PlaceResponse {}
message WatchRequest {}
message WatchResponse {}
"#,
    ),
];

#[test]
fn each_changed_word_of_a_contract_of_grpc_is_noticed() {
    let (_, files) = made_of(SHOP);
    let files = files.iter().filter(|f| f.path.starts_with("proto/"));
    let mut files: Vec<(&str, &str)> = files
        .map(|f| (f.path.trim_start_matches("proto/"), f.text.as_str()))
        .collect();
    files.sort_unstable();
    let paths = |all: &[(&'static str, &str)]| all.iter().map(|f| f.0).collect::<Vec<_>>();
    assert_eq!(files.iter().map(|f| f.0).collect::<Vec<_>>(), paths(&FILES));
    // What `buf` is told in a comment is no comment.
    let comment = |l: &str| l.starts_with("//") && !l.starts_with("// buf:");
    let docs: Vec<Doc> = files.iter().map(|f| words(f.1, comment)).collect();
    let should: Vec<Doc> = FILES.iter().map(|f| words(f.1, |_| false)).collect();
    let (changed, found) = survivors(&docs, |docs| {
        let mut w = Wrong::default();
        for (is, should) in docs.iter().zip(&should) {
            compare(&mut w, &is.value, &should.value);
        }
        w
    });
    only(&found, &[]);
    assert!(changed > 150, "{changed}");
}
