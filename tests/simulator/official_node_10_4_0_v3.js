// Read Smartcar's test vehicle of API v3 with SDK 10.4.0 for Node, which sends no user id. Started by
// test_official_sdk.py. A request to any other host than the simulator's fails: see official_node_browser.js.
'use strict';

const assert = require('node:assert/strict');
require('./official_node_browser.js');
const smartcar = require('smartcar');

const VEHICLE_ID = 'tst2e255-d3c8-4f90-9fec-e6e68b98e9cb';
const TOKEN = 'test-data-token';

async function main() {
  const found = await smartcar.getVehicle(TOKEN, VEHICLE_ID);
  assert.equal(found.body.id, VEHICLE_ID);
  const car = new smartcar.Vehicle(VEHICLE_ID, TOKEN);
  const {body, headers} = await car.getSignals();
  assert.ok(headers['content-type'].startsWith('application/json'));
  const {code} = body.data[0].attributes;
  const signal = await car.getSignal(code);
  assert.equal(signal.body.attributes.code, code);
  console.log(VEHICLE_ID);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
