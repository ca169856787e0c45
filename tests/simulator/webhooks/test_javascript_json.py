"""The bodies of webhooks are those that Node writes itself: it is asked for each of them."""

import json
import math
import struct
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import signing
from django_smartcar.simulator.webhooks.javascript_json import MAX_SAFE_INTEGER, dumps
from tests.simulator.node import run_node

pytestmark = pytest.mark.slow

#: A body survives if Node writes the same text after parsing it.
STRINGIFIED = "process.stdout.write(JSON.stringify(input.map((body) => JSON.stringify(JSON.parse(body)))));"

NUMBERS = [
    *(0, 1, -1, 92, 92.0, -92.0, 0.1, 0.5, -0.0, 0.77, 258.0, 262.5, 699.9, 65535.0, -0.001),
    *(1e-5, 1e-6, 1.5e-6, 1e-7, 1.5e-7, 123456e-12, 5e-324, 2.2250738585072014e-308),
    *(1e15, 1e16, 1.5e16, 123456789012345680000.0, 1e20, 1e21, 1.5e21, 1e22, 1.7976931348623157e308),
    *(MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER, float(2**53), float(2**60), float(2**63), 41318.3, 12.9404),
]
STRINGS = [
    *("", "a", "ä", "µ", "\x00", "\x07", "\b\t\n\v\f\r\x1f", '"', "\\", "/", "</script>", "\x7f", "\x80"),
    *("\u2028", "\u2029", "\ufeff", "\uffff", "\U0001f697", "\U0010ffff", "\ue000", "\u0301"),
    *("\ud800", "\udbff", "\udc00", "\udfff", "a\ud800b", "\udc00\ud800", "\ud83d\ude97"),
]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def bytes_of(text):
    """Return the bytes on the wire. They are UTF-8, so the text must not hold a surrogate."""
    return text.encode()


def test_node_writes_the_same_bytes_again():
    bodies = [dumps(value) for value in [*NUMBERS, *STRINGS, [NUMBERS, STRINGS], {"a": NUMBERS}, [], {}]]
    assert run_node(STRINGIFIED, bodies) == bodies
    assert all(map(bytes_of, bodies))


def test_node_and_python_choose_the_same_number():
    written = run_node("process.stdout.write(JSON.stringify(input.map(String)));", NUMBERS)
    assert [dumps(number) for number in NUMBERS] == written


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(values, min_size=40, max_size=60))
def test_node_writes_the_same_bytes_of_any_value(parts):
    bodies = [dumps(part) for part in parts]
    assert run_node(STRINGIFIED, bodies) == bodies
    assert all(map(bytes_of, bodies))


def test_every_float_is_written_as_in_javascript():
    random = Random(1)  # noqa: S311 - not for secrets
    bits = struct.pack("<50000Q", *(random.getrandbits(64) for _ in range(50_000)))
    numbers = list(filter(math.isfinite, struct.unpack("<50000d", bits)))
    numbers += [round(random.uniform(-1e6, 1e6), random.randrange(8)) for _ in range(10_000)]
    body = dumps(numbers)
    assert run_node(STRINGIFIED, [body]) == [body]
    assert json.loads(body, parse_int=float) == numbers


def test_keys_keep_their_order_but_indexes_come_first():
    assert dumps({"b": 1, "a": 2}) == '{"b":1,"a":2}'
    indexed = [{"b": 1, "10": 2, "2": 3, "01": 4, "4294967295": 5, "4294967294": 6, "-1": 7, "a": 8, "٣": 9}]
    bodies = [dumps(indexed)]
    assert run_node(STRINGIFIED, bodies) == bodies
    assert bodies == [
        '[{"2":3,"10":2,"4294967294":6,"b":1,"01":4,"4294967295":5,"-1":7,"a":8,"٣":9}]',
    ]


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**400, float("nan"), float("inf"), float("-inf")])
def test_what_javascript_would_change_is_refused(number):
    with pytest.raises((ValueError, OverflowError)):
        dumps({"value": [number]})


@pytest.mark.parametrize("value", [{1: 2}, {None: 2}, {"a": object()}, {"a": b"bytes"}, [store.now()]])
def test_what_is_not_json_is_refused(value):
    with pytest.raises(TypeError):
        dumps(value)


def test_the_signature_is_that_of_the_bytes_that_node_writes():
    payload = {"data": {"value": 92.0, "name": "Läufer\u2028\ud800"}, "meta": {}}
    body, headers = signing.build_request(payload, store.now())
    assert b'"value":92,' in body
    script = """
        const signature = require("crypto").createHmac("sha256", input.token)
          .update(JSON.stringify(JSON.parse(input.body))).digest("hex");
        process.stdout.write(JSON.stringify(signature));
    """
    signature = run_node(script, {"token": store.MANAGEMENT_TOKEN, "body": body.decode()})
    assert headers["SC-Signature"] == signature
