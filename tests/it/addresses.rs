//! `vestibule graph check`, by the real binary, on an agent that calls outside: whether its address may be called is told
//! before the start that would be refused for it.

use std::path::Path;

use crate::support::server::command;

/// Runs the check with the agent's address; gives the exit code and what was written for people and of problems.
async fn check(address: &str, settings: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/agents/order_status");
    let mut command = command(Path::new("."), &["graph", "check"]);
    command
        .env("VESTIBULE__GRAPH__AGENTS", agent)
        .env("VESTIBULE__GRAPH__ADDRESSES", format!("orders_url={address}"))
        .envs(settings.iter().copied());
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

// SEC-54
#[tokio::test]
async fn an_address_that_may_not_be_called_is_told() {
    let (code, output, problems) = check("http://orders.example.com/v1", &[]).await;
    assert_eq!(
        (code, problems.as_str()),
        (
            Some(2),
            "graph.addresses: `orders.example.com` must not be called: what is not https stays on this machine, or goes \
             to a host in fetch.allow\n"
        )
    );
    assert_eq!(output, "", "a check that failed says of nothing that it holds");
}

// SEC-54
#[tokio::test]
async fn an_address_that_may_be_called_is_checked_and_not_called() {
    let by_exception = [("VESTIBULE__FETCH__ALLOW", "orders.example.com")];
    for (address, settings) in [
        ("https://orders.example.com/v1", &[][..]),
        ("http://127.0.0.1:1", &[]),
        ("http://orders.example.com/v1", &by_exception),
    ] {
        let (code, output, problems) = check(address, settings).await;
        assert_eq!((code, problems.as_str()), (Some(0), ""), "{address}");
        let named = output.lines().any(|line| line.starts_with("order_status v"));
        assert!(named && output.ends_with("all proofs hold\n"), "{address}: {output}");
    }
}
