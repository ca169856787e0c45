"""HTTP: `requester` sends requests, with timeouts and retries; `connection_pool` keeps connections open."""
