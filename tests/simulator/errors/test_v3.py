from django_smartcar.simulator.errors.v3 import V3_ERRORS


def test_v3_has_only_the_pairs_that_smartcar_documents():
    assert {(*pair, spec.status) for pair, spec in V3_ERRORS.items()} == {
        ("AUTHENTICATION", "UNAUTHORIZED", 401),
        ("AUTHENTICATION", "ACCESS_DENIED", 403),
        ("VALIDATION", "BAD_REQUEST", 400),
        ("VALIDATION", "INVALID_INPUT_FORMAT", 400),
        ("VALIDATION", "MISSING_PARAMETER", 400),
    }
