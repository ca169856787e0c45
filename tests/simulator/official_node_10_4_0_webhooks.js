// Verify webhooks with SDK 10.4.0 for Node: read them from stdin, print what it says of each. The SDK takes
// the parsed body and writes it again. Started by test_official_signatures.py.
'use strict';

const {readFileSync} = require('node:fs');
const smartcar = require('smartcar');

const {token, events, challenges} = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify({
  verified: events.map(({signature, body}) => smartcar.verifyPayload(token, signature, JSON.parse(body))),
  hashes: challenges.map((text) => smartcar.hashChallenge(token, text)),
}));
