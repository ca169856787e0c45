// Exercise Smartcar's SDK 10.4.0 for Node, configured by environment variables. Started by
// test_official_sdk.py. Each public function of the SDK must be called, and no other host than the
// simulator's: see official_node_browser.js.
'use strict';

const assert = require('node:assert/strict');
const {Browser} = require('./official_node_browser.js');
const smartcar = require('smartcar');
const {version} = require('smartcar/package.json');

const AMT = process.env.SIMULATOR_MANAGEMENT_TOKEN;
const REDIRECT_URI = process.env.SMARTCAR_REDIRECT_URI;
const SCOPE = [
  'required:read_vehicle_info', 'required:read_location', 'required:read_odometer',
  'required:control_security',
  'required:read_vin', 'required:read_fuel', 'required:read_battery', 'read_charge', 'control_charge',
  'control_navigation', 'read_diagnostics', 'read_service_history', 'required:read_engine_oil',
  'required:read_tires', 'required:read_security',
];

const called = new Set();

// Record the calls of all functions of an object. Return their names.
function record(owner, label) {
  const isFunction = (name) => typeof owner[name] === 'function' && !/^[A-Z]/.test(name);
  const names = Object.keys(owner).filter(isFunction);
  for (const name of names) {
    const original = owner[name];
    owner[name] = function(...args) {
      called.add(`${label}${name}`);
      return original.apply(this, args);
    };
  }
  return names.map((name) => `${label}${name}`);
}

const PUBLIC = [
  ...record(smartcar, ''),
  ...record(smartcar.Vehicle.prototype, 'Vehicle.'),
  ...record(smartcar.AuthClient.prototype, 'AuthClient.'),
];

const client = new smartcar.AuthClient({mode: 'test', redirectUri: REDIRECT_URI});

async function failure(promise, expected) {
  const error = await promise.then(
    () => assert.fail(`no error: ${JSON.stringify(expected)}`),
    (reason) => reason,
  );
  assert.equal(error.name, 'SmartcarError', error.stack);
  assert.ok(error instanceof smartcar.SmartcarError);
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(error[name], value, `${name} of ${error.stack}`);
  }
  return error;
}

function assertMeta(meta) {
  assert.equal(meta.requestId.length, 36);
}

async function connect(email, scope = SCOPE, options = {}) {
  const url = client.getAuthUrl(scope, {forcePrompt: true, ...options});
  return new Browser().connect(url, email);
}

async function firstVehicle(email, scope, options) {
  const {code} = await connect(email, scope, options);
  const {accessToken} = await client.exchangeCode(code);
  const {vehicles} = await smartcar.getVehicles(accessToken);
  return new smartcar.Vehicle(vehicles[0], accessToken);
}

async function tokens() {
  const options = {state: 's', user: 'u', flags: {country: 'DE', x: true}};
  const callback = await connect('driver@example.com', SCOPE, options);
  assert.equal(callback.state, 's');
  const access = await client.exchangeCode(callback.code, {flags: {country: 'DE'}});
  assert.ok(access.expiration > new Date() && access.refreshExpiration > access.expiration);
  const reused = await failure(client.exchangeCode(callback.code), {statusCode: 400});
  assert.ok(['invalid_grant', 'invalid_request'].includes(reused.type));
  assert.equal(reused.description, `Invalid code: ${callback.code}.`);
  const refreshed = await client.exchangeRefreshToken(access.refreshToken);
  assert.notEqual(refreshed.refreshToken, access.refreshToken);
  await failure(client.exchangeRefreshToken('nonsense'), {statusCode: 400, type: 'invalid_grant'});
  const user = await smartcar.getUser(refreshed.accessToken);
  assert.equal(user.id, callback.user_id);
  assertMeta(user.meta);
  return {token: refreshed.accessToken, userId: user.id};
}

async function withoutRedirectUri() {
  // Since 10.2 the redirect URI may be left out: the first registered one is used.
  const bare = new smartcar.AuthClient({mode: 'live'});
  const url = bare.getAuthUrl(['read_odometer']);
  assert.ok(!url.includes('redirect_uri'));
  const browser = new Browser();
  await browser.open(url);
  await browser.press('continue-button');
  await browser.press('CHEVROLET');
  await browser.press('sign-in-button', {username: 'bare@example.com', password: 'any'});
  assert.ok((await browser.press('approval-button')).startsWith(`${REDIRECT_URI}?code=`));
}

async function reads(car) {
  assert.equal((await car.attributes()).make, 'CHEVROLET');
  assert.equal((await car.vin()).vin.length, 17);
  const page = await car.permissions({limit: 1, offset: 1});
  assert.deepEqual([page.permissions, page.paging], [['read_location'], {count: SCOPE.length, offset: 1}]);
  const odometer = await car.odometer();
  assert.ok(odometer.distance > 0 && odometer.meta.dataAge <= odometer.meta.fetchedAt);
  assert.equal(odometer.meta.unitSystem, 'metric');
  assertMeta(odometer.meta);
  const location = await car.location();
  assert.ok(Math.abs(location.latitude) <= 90 && Math.abs(location.longitude) <= 180);
  const charge = await car.charge();
  assert.deepEqual([charge.state, typeof charge.isPluggedIn], ['NOT_CHARGING', 'boolean']);
  const battery = await car.battery();
  assert.ok(battery.percentRemaining > 0 && battery.percentRemaining < 1 && battery.range > 0);
  assert.equal((await car.batteryCapacity()).capacity, 18.4);
  assert.equal((await car.nominalCapacity()).capacity.nominal, 18.4);
  const fuel = await car.fuel();
  assert.ok(fuel.percentRemaining > 0 && fuel.amountRemaining > 0 && fuel.range > 0);
  const tires = await car.tirePressure();
  assert.ok(['frontLeft', 'frontRight', 'backLeft', 'backRight'].every((tire) => tires[tire] > 100));
  assert.ok((await car.engineOil()).lifeRemaining > 0);
  assert.equal((await car.getChargeLimit()).limit, 0.9);
  assert.equal((await car.diagnosticSystemStatus()).systems[0].status, 'OK');
  assert.equal((await car.diagnosticTroubleCodes()).activeCodes[0].code, 'P0420');
  assert.ok((await car.serviceHistory('2000-01-01', '2099-01-01')).data[0].odometerDistance > 0);
  assert.equal((await car.lockStatus()).doors.length, 4);
  const imperial = new smartcar.Vehicle(car.id, car.token, {unitSystem: 'imperial', flags: {x: true}});
  const miles = await imperial.odometer();
  assert.equal(miles.meta.unitSystem, 'imperial');
  assert.ok(Math.abs(miles.distance * 1.609344 - odometer.distance) < 0.1);
  const raw = await car.request('get', 'odometer', null, {'sc-unit-system': 'imperial'});
  assert.equal(raw.body.distance, miles.distance);
  assert.deepEqual((await car.request('GET', 'chevrolet/charge/voltmeter')).body, {voltage: 240});
}

async function commands(car) {
  for (const [name, isLocked] of [['lock', true], ['unlock', false], ['lock', true]]) {
    assert.equal((await car[name]()).status, 'success');
    assert.equal((await car.lockStatus()).isLocked, isLocked);
  }
  assert.equal((await car.startCharge()).status, 'success');
  const conflict = await failure(
    car.startCharge(), {statusCode: 409, type: 'VEHICLE_STATE', code: 'CHARGING_IN_PROGRESS'},
  );
  assert.equal(conflict.message, `VEHICLE_STATE:CHARGING_IN_PROGRESS - ${conflict.description}`);
  assert.equal((await car.stopCharge()).status, 'success');
  assert.equal((await car.setChargeLimit(0.7)).status, 'success');
  assert.equal((await car.getChargeLimit()).limit, 0.7);
  assert.equal((await car.sendDestination(40.748817, -73.985428)).status, 'success');
  const invalid = await failure(car.setChargeLimit(7), {statusCode: 400, type: 'VALIDATION'});
  assert.equal(invalid.detail[0].field, 'limit');
}

async function batch(car) {
  const names = {
    '/': 'attributes',
    '/odometer': 'odometer',
    '/tires/pressure': 'tirePressure',
    '/security': 'lockStatus',
    '/charge/limit': 'chargeLimit',
    '/diagnostics/dtcs': 'diagnosticTroubleCodes',
    '/fuel': 'fuel',
    '/battery/capacity': 'batteryCapacity',
  };
  const found = await car.batch(Object.keys(names));
  assert.deepEqual(Object.keys(found), Object.values(names));
  assert.equal(found.attributes().model, 'Volt');
  assert.equal(found.odometer().meta.unitSystem, 'metric');
  assert.equal(found.lockStatus().isLocked, true);
  assert.equal(found.chargeLimit().limit, 0.7);
  await failure(car.batch(['/odometer', '/LOCATIONNNNNNNN']), {statusCode: 400, type: 'VALIDATION'});
}

async function webhooks(car) {
  const id = 'e51d1b2a-3f0c-4b53-a7c0-8f2b6b3f2a11';
  const subscribed = await car.subscribe(id);
  assert.deepEqual([subscribed.webhookId, subscribed.vehicleId], [id, car.id]);
  await failure(car.unsubscribe('wrong', id), {statusCode: 401, type: 'AUTHENTICATION'});
  assert.equal((await car.unsubscribe(AMT, id)).status, 'success');
  await failure(car.subscribe('nonsense'), {statusCode: 400, type: 'VALIDATION'});
  const digest = '7aa2abf547bf1a1f096eedeeab61b60aa6435f34d7fb4f09abe3f30cf5c00f4f';
  assert.equal(smartcar.hashChallenge('k', 'c'), digest);
  assert.ok(smartcar.verifyPayload('k', smartcar.hashChallenge('k', '{"a":1}'), {a: 1}));
}

async function compatibility(car) {
  const {vin} = await car.vin();
  const found = await smartcar.getCompatibility(vin, ['read_odometer', 'read_fuel'], 'US');
  assert.deepEqual([found.compatible, found.reason], [true, null]);
  assert.deepEqual(found.capabilities.map(({permission, capable}) => [permission, capable]), [
    ['read_odometer', true], ['read_fuel', true],
  ]);
  assertMeta(found.meta);
  await failure(smartcar.getCompatibility('short', ['read_vin']), {statusCode: 400, type: 'VALIDATION'});
  const filters = {make: ['TESLA'], type: 'BEV', scope: ['read_battery']};
  const matrix = await smartcar.getCompatibilityMatrix('US', filters);
  assert.deepEqual(Object.keys(matrix), ['TESLA', 'meta']);
  assert.equal(matrix.TESLA[0].model, 'Model 3');
  assert.ok(matrix.TESLA[0].permissions.includes('read_battery'));
}

async function errors() {
  const unauthorized = await failure(smartcar.getUser('nonsense'), {statusCode: 401, type: 'AUTHENTICATION'});
  assert.ok(unauthorized.docURL.startsWith('https://smartcar.com/docs/errors/api-errors/'));
  assert.ok(unauthorized.description);
  assert.equal(unauthorized.requestId.length, 36);
  const limited = await firstVehicle('limited@example.com', ['read_odometer'], {makeBypass: 'FORD'});
  const refused = await failure(limited.location(), {statusCode: 403, type: 'PERMISSION'});
  assert.equal(refused.resolution.type, 'REAUTHENTICATE');
  const parts = await limited.batch(['/odometer', '/location']);
  assert.ok(parts.odometer().distance > 0);
  // Smartcar sends the parts that failed without headers (captured), which this SDK reads.
  assert.throws(() => parts.location(), {name: 'TypeError', message: /content-type/});
  const broken = await firstVehicle('smartcar@voa-000.vehicle-owner-action-required.com');
  const action = await failure(
    broken.lock(), {statusCode: 400, type: 'CONNECTED_SERVICES_ACCOUNT', code: 'AUTHENTICATION_FAILED'},
  );
  const {url} = action.resolution;
  assert.ok(url.startsWith(`${process.env.SIMULATOR_ORIGIN}/connect/oauth/reauthenticate?`));
  assert.ok(action.suggestedUserMessage && action.docURL);
  const single = {enabled: true, vin: '5YJ3E1EA7JF000001'};
  const one = await firstVehicle('one@example.com', SCOPE, {singleSelect: single});
  assert.equal((await one.vin()).vin, single.vin);
  return limited;
}

async function management(limited, userId) {
  const page = await smartcar.getConnections(AMT, {}, {limit: 2});
  assert.equal(page.connections.length, 2);
  const rest = await smartcar.getConnections(AMT, {}, {limit: 2, cursor: page.paging.cursor});
  assert.ok(rest.connections.length);
  const [own] = (await smartcar.getConnections(AMT, {userId})).connections;
  assert.deepEqual([own.userId, Boolean(own.vehicleId && own.connectedAt)], [userId, true]);
  const deleted = await smartcar.deleteConnections(AMT, {vehicleId: limited.id});
  assert.deepEqual(deleted.connections.map(({vehicleId}) => vehicleId), [limited.id]);
  await failure(limited.odometer(), {statusCode: 403, type: 'PERMISSION'});
  await failure(smartcar.getConnections('wrong'), {statusCode: 401, type: 'AUTHENTICATION'});
}

async function applicationToken() {
  const response = await fetch(process.env.SMARTCAR_IAM_URL, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: process.env.M2M_CLIENT_ID,
      client_secret: process.env.M2M_CLIENT_SECRET,
    }),
  });
  return (await response.json()).access_token;
}

async function apiV3(car, userId) {
  const token = await applicationToken();
  const found = await smartcar.getVehicle(token, car.id);
  assert.equal(found.body.data.attributes.model, 'Volt');
  assert.ok(found.headers['sc-request-id']);
  const newer = new smartcar.Vehicle(car.id, token);
  const signals = await newer.request('get', 'signals', null, {'sc-user-id': userId}, '3');
  assert.ok(signals.body.data.length > 20);
  // Without a user id, which its own methods do not send, API v3 answers for the public test vehicle only.
  const error = await failure(newer.getSignals(), {statusCode: 400, type: 'SDK_ERROR'});
  assert.equal(error.code, undefined);
  await failure(newer.getSignal('odometer-traveleddistance'), {statusCode: 400, type: 'SDK_ERROR'});
}

async function main() {
  assert.equal(version, '10.4.0');
  assert.equal(smartcar.getApiVersion(), '2.0');
  smartcar.setApiVersion('2.0');
  const {token, userId} = await tokens();
  await withoutRedirectUri();
  const page = await smartcar.getVehicles(token, {limit: 50, offset: 0});
  assert.deepEqual(page.paging, {count: 1, offset: 0});
  const car = new smartcar.Vehicle(page.vehicles[0], token);
  await reads(car);
  await commands(car);
  await batch(car);
  await webhooks(car);
  await compatibility(car);
  const limited = await errors();
  await management(limited, userId);
  await apiV3(car, userId);
  assert.equal((await car.disconnect()).status, 'success');
  await failure(car.odometer(), {statusCode: 403, type: 'PERMISSION'});
  assert.deepEqual(PUBLIC.filter((name) => !called.has(name)), []);
  console.log(car.id);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
