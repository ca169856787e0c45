"""HTTP: `requester` sends requests, with timeouts and retries; `session` pools connections."""
