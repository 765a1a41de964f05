// Every method of the Node SDK's user management, called against the simulator.
//
// The methods are read from the SDK: one that has neither a case here nor a reason to be left out
// is a failure, and so is a case for a method that is not there any more.
//
// usage: methods.mjs FOLDER-OF-THE-SDK URL-OF-A-SIMULATOR-WITH-THE-USERS-OF-USERS.JSONL

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";

const [folder, baseUrl] = process.argv.slice(2);
const sdk = createRequire(path.resolve(folder, "package.json"))("@descope/node-sdk");
const { management } = (sdk.default ?? sdk)({
  projectId: "P2aAc4T2V93bddihGEx2Ryhc8e5Z",
  managementKey: "K2fakeManagementKey",
  baseUrl,
});
const { user: users, tenant: tenants, role: roles } = management;

// Methods that are not called, each with the reason.
const SIGNS_IN = "it signs a test user in, and the simulator signs nobody in";
const LEFT_OUT = {
  generateOTPForTestUser: SIGNS_IN,
  generateMagicLinkForTestUser: SIGNS_IN,
  generateEnchantedLinkForTestUser: SIGNS_IN,
};

let number = 0;

/** A login ID that nobody has. */
const fresh = () => `user${number++}@example.com`;

/** The data of an answer that must be a success. */
async function ok(promise) {
  const answer = await promise;
  assert.ok(answer.ok, JSON.stringify(answer.error));
  return answer.data;
}

/** An answer that must be this error. */
async function fails(status, code, promise) {
  const answer = await promise;
  assert.deepEqual([answer.ok, answer.code, answer.error?.errorCode], [false, status, code]);
}

/** The login ID of a new user. */
async function fresher(fields = {}) {
  const name = fresh();
  await ok(users.create(name, fields));
  return name;
}

const load = (name) => ok(users.load(name));
const userId = async (name) => (await load(name)).userId;
const gone = (name) => fails(404, "E112102", users.load(name));
const ids = (objects) => objects.map((object) => object.id);
const names = (objects) => objects.map((object) => object.name);
const tenantRoles = (user) =>
  Object.fromEntries(user.userTenants.map((tenant) => [tenant.tenantId, tenant.roleNames]));
const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64");

/** Some of an object's values. */
function some(object, expected) {
  for (const [key, value] of Object.entries(expected)) {
    assert.deepEqual(object[key], value, key);
  }
}

const cases = {
  // Users come.

  async create() {
    const name = fresh();
    const user = await ok(
      users.create(name, {
        phone: "+1-555-555-0100",
        verifiedPhone: true,
        displayName: "N",
        givenName: "G",
        roles: ["editor"],
        userTenants: [{ tenantId: "T1", roleNames: ["admin"] }],
        customAttributes: { tier: "gold" },
        additionalLoginIds: [`also-${name}`],
        ssoAppIds: ["A1"],
      }),
    );
    some(user, { loginIds: [name, `also-${name}`], email: name, verifiedEmail: true });
    some(user, { phone: "+15555550100", verifiedPhone: true, name: "N", givenName: "G" });
    some(user, { roleNames: ["editor"], customAttributes: { tier: "gold" }, ssoAppIds: ["A1"] });
    assert.deepEqual(tenantRoles(user), { T1: ["admin"] });
  },
  async createTestUser() {
    some(await ok(users.createTestUser(fresh(), {})), { test: true });
  },
  async invite() {
    some(await ok(users.invite(fresh(), { sendMail: true })), { status: "invited" });
  },
  async inviteBatch() {
    const [one, two] = [fresh(), fresh()];
    const batch = [
      { loginId: one, seed: "JBSWY3DPEHPK3PXP", createdTime: 1500000000 },
      { loginId: two, hashedPassword: { bcrypt: { hash: "$2a$10$invented" } } },
      { loginId: one },
    ];
    const answer = await ok(users.inviteBatch(batch, "https://example.com", false, false));
    some(answer.createdUsers[0], { TOTP: true, password: false, createdTime: 1500000000 });
    some(answer.createdUsers[1], { TOTP: false, password: true });
    assert.deepEqual(answer.failedUsers[0].user.loginIds, [one]);
  },
  async createBatch() {
    const name = fresh();
    const answer = await ok(users.createBatch([{ loginId: name, status: "enabled", password: "s" }]));
    some(answer.createdUsers[0], { loginIds: [name], status: "enabled", password: true });
    assert.deepEqual(answer.failedUsers, []);
  },
  async import() {
    const name = fresh();
    const records = base64([{ email: name, name: "Imported" }, { name: "nameless" }]);
    assert.equal((await ok(users.import("auth0", records, undefined, true))).failures.length, 1);
    await gone(name);
    const answer = await ok(users.import("auth0", records));
    assert.deepEqual(answer.users[0].loginIds, [name]);
    some(await load(name), { name: "Imported" });
  },

  // Users go.

  async delete() {
    const name = await fresher();
    await ok(users.delete(name));
    await gone(name);
  },
  async deleteByUserId() {
    const name = await fresher();
    await ok(users.deleteByUserId(await userId(name)));
    await gone(name);
  },
  async deleteBatch() {
    const name = await fresher();
    await ok(users.deleteBatch([await userId(name), "Unobody"]));
    await gone(name);
  },
  async deleteAllTestUsers() {
    const name = fresh();
    await ok(users.createTestUser(name, {}));
    await ok(users.deleteAllTestUsers());
    await gone(name);
  },

  // Users are read.

  async load() {
    const name = await fresher();
    some(await ok(users.load(name)), { loginIds: [name] });
  },
  async loadByUserId() {
    const name = await fresher();
    some(await ok(users.loadByUserId(await userId(name))), { loginIds: [name] });
  },
  async loadUsers() {
    const name = await fresher();
    const found = await ok(users.loadUsers([await userId(name)], true));
    assert.deepEqual(found.map((user) => user.loginIds), [[name]]);
  },
  async search() {
    const name = await fresher({ roles: ["searched"] });
    const found = await ok(users.search({ roles: ["searched"], limit: 10 }));
    assert.deepEqual([found.total, found.users[0].loginIds], [1, [name]]);
  },
  async searchAll() {
    const name = await fresher();
    const found = await ok(users.searchAll([], [], 10, 0, false, false, {}, [], [name]));
    assert.deepEqual(found.map((user) => user.loginIds), [[name]]);
  },
  async searchTestUsers() {
    const name = fresh();
    await ok(users.createTestUser(name, {}));
    assert.equal((await ok(users.searchTestUsers({ loginIds: [name] }))).total, 1);
  },
  async history() {
    assert.deepEqual(await ok(users.history([await userId(await fresher())])), []);
  },
  async getProviderToken() {
    some(await ok(users.getProviderToken(await fresher(), "google")), { provider: "google" });
  },
  async generateEmbeddedLink() {
    assert.ok((await ok(users.generateEmbeddedLink(await fresher(), { claim: 1 }, 60))).token);
  },
  async generateSignUpEmbeddedLink() {
    assert.ok((await ok(users.generateSignUpEmbeddedLink(fresh(), {}, true, false))).token);
  },

  // Users change.

  async update() {
    const name = await fresher({ phone: "+15555550100", roles: ["editor"] });
    const user = await ok(users.update(name, { displayName: "N" }));
    some(user, { name: "N", phone: "", roleNames: [] });
  },
  async patch() {
    const name = await fresher({ phone: "+15555550100" });
    const user = await ok(users.patch(name, { displayName: "N", status: "disabled" }));
    some(user, { name: "N", phone: "+15555550100", status: "disabled" });
  },
  async patchBatch() {
    const name = await fresher();
    const batch = [{ loginId: name, displayName: "N" }, { loginId: fresh(), displayName: "N" }];
    const answer = await ok(users.patchBatch(batch));
    assert.deepEqual(names(answer.patchedUsers), ["N"]);
    assert.equal(answer.failedUsers.length, 1);
  },
  async activate() {
    some(await ok(users.activate(await fresher())), { status: "enabled" });
  },
  async deactivate() {
    some(await ok(users.deactivate(await fresher())), { status: "disabled" });
  },
  async updateLoginId() {
    const name = fresh();
    some(await ok(users.updateLoginId(await fresher(), name)), { loginIds: [name] });
  },
  async updateEmail() {
    const user = await ok(users.updateEmail(await fresher(), "new@example.com", true, true));
    some(user, { email: "new@example.com", verifiedEmail: true });
  },
  async updatePhone() {
    const user = await ok(users.updatePhone(await fresher(), "+1 555 555 0101", false, true));
    some(user, { phone: "+15555550101", verifiedPhone: false });
  },
  async updateDisplayName() {
    const user = await ok(users.updateDisplayName(await fresher(), "N", "G", "M", "F"));
    some(user, { name: "N", givenName: "G", middleName: "M", familyName: "F" });
  },
  async updateUserNames() {
    const name = await fresher({ displayName: "N" });
    const user = await ok(users.updateUserNames(name, "G", "M", "F"));
    some(user, { name: "N", givenName: "G", middleName: "M", familyName: "F" });
  },
  async updatePicture() {
    some(await ok(users.updatePicture(await fresher(), "p.png")), { picture: "p.png" });
  },
  async updateRecoveryEmail() {
    const user = await ok(users.updateRecoveryEmail(await fresher(), "r@example.com", true));
    some(user, { recoveryEmail: "r@example.com", verifiedRecoveryEmail: true });
  },
  async updateRecoveryPhone() {
    const user = await ok(users.updateRecoveryPhone(await fresher(), "+15555550102"));
    some(user, { recoveryPhone: "+15555550102", verifiedRecoveryPhone: false });
  },
  async updateCustomAttribute() {
    const user = await ok(users.updateCustomAttribute(await fresher(), "tier", "gold"));
    some(user, { customAttributes: { tier: "gold" } });
  },

  // Roles, tenants and apps.

  async setRoles() {
    const name = await fresher({ roles: ["a"] });
    some(await ok(users.setRoles(name, ["b", "c"])), { roleNames: ["b", "c"] });
  },
  async addRoles() {
    const name = await fresher({ roles: ["a"] });
    some(await ok(users.addRoles(name, ["b"])), { roleNames: ["a", "b"] });
  },
  async removeRoles() {
    const name = await fresher({ roles: ["a", "b"] });
    some(await ok(users.removeRoles(name, ["a"])), { roleNames: ["b"] });
  },
  async addTenant() {
    assert.deepEqual(tenantRoles(await ok(users.addTenant(await fresher(), "T1"))), { T1: [] });
  },
  async removeTenant() {
    const name = await fresher({ userTenants: [{ tenantId: "T1" }, { tenantId: "T2" }] });
    assert.deepEqual(tenantRoles(await ok(users.removeTenant(name, "T1"))), { T2: [] });
  },
  async setTenantRoles() {
    const name = await fresher({ userTenants: [{ tenantId: "T1", roleNames: ["a"] }] });
    const user = await ok(users.setTenantRoles(name, "T1", ["b"]));
    assert.deepEqual(tenantRoles(user), { T1: ["b"] });
  },
  async addTenantRoles() {
    const user = await ok(users.addTenantRoles(await fresher(), "T1", ["a"]));
    assert.deepEqual(tenantRoles(user), { T1: ["a"] });
  },
  async removeTenantRoles() {
    const name = await fresher({ userTenants: [{ tenantId: "T1", roleNames: ["a", "b"] }] });
    const user = await ok(users.removeTenantRoles(name, "T1", ["a"]));
    assert.deepEqual(tenantRoles(user), { T1: ["b"] });
  },
  async addSSOapps() {
    const name = await fresher({ ssoAppIds: ["A1"] });
    some(await ok(users.addSSOapps(name, ["A2"])), { ssoAppIds: ["A1", "A2"] });
  },
  async setSSOapps() {
    const name = await fresher({ ssoAppIds: ["A1"] });
    some(await ok(users.setSSOapps(name, ["A2"])), { ssoAppIds: ["A2"] });
  },
  async removeSSOapps() {
    const name = await fresher({ ssoAppIds: ["A1", "A2"] });
    some(await ok(users.removeSSOapps(name, ["A1"])), { ssoAppIds: ["A2"] });
  },

  // Credentials and devices.

  async setPassword() {
    const name = await fresher();
    await ok(users.setPassword(name, "s3cret"));
    some(await load(name), { password: true });
  },
  async setTemporaryPassword() {
    const name = await fresher();
    await ok(users.setTemporaryPassword(name, "s3cret"));
    some(await load(name), { password: true });
  },
  async setActivePassword() {
    const name = await fresher();
    await ok(users.setActivePassword(name, "s3cret"));
    some(await load(name), { password: true });
  },
  async expirePassword() {
    const name = await fresher();
    await ok(users.setActivePassword(name, "s3cret"));
    await ok(users.expirePassword(name));
    some(await load(name), { password: true });
  },
  async removeTOTPSeed() {
    some(await load("totp"), { TOTP: true });
    await ok(users.removeTOTPSeed("totp"));
    some(await load("totp"), { TOTP: false });
  },
  async listPasskeys() {
    const passkeys = await ok(users.listPasskeys("list-passkeys"));
    some(passkeys[0], { id: "P1", displayName: "Phone", createdTime: 1700000000 });
  },
  async removePasskey() {
    await ok(users.removePasskey("one-passkey", "P1"));
    assert.deepEqual(ids(await ok(users.listPasskeys("one-passkey"))), ["P2"]);
  },
  async removeAllPasskeys() {
    some(await load("all-passkeys"), { webauthn: true });
    await ok(users.removeAllPasskeys("all-passkeys"));
    some(await load("all-passkeys"), { webauthn: false });
  },
  async listTrustedDevices() {
    const devices = await ok(users.listTrustedDevices(["list-devices", await fresher()]));
    assert.equal(devices.length, 1);
    some(devices[0], { id: "D1", name: "Laptop", lastLocation: "Oslo" });
  },
  async removeTrustedDevices() {
    await ok(users.removeTrustedDevices("remove-device", ["D1"]));
    assert.deepEqual(ids(await ok(users.listTrustedDevices(["remove-device"]))), ["D2"]);
  },
  async logoutUser() {
    await ok(users.logoutUser(await fresher()));
  },
  async logoutUserByUserId() {
    await ok(users.logoutUserByUserId(await userId(await fresher())));
  },

  // Custom attributes.

  async createCustomAttributes() {
    const options = [{ value: "red", label: "Red" }];
    const given = [{ name: "colour", displayName: "Colour", type: 4, options }];
    some((await ok(users.createCustomAttributes(given)))[0], given[0]);
    const name = await fresher({ customAttributes: { colour: "red" } });
    await fails(400, "E011003", users.updateCustomAttribute(name, "colour", "blue"));
    await fails(400, "E011003", users.updateCustomAttribute(name, "size", "red"));
    await ok(users.deleteCustomAttributes(["colour"]));
  },
  async getCustomAttributes() {
    await ok(users.createCustomAttributes([{ name: "seats", type: 2 }]));
    const [attribute, ...more] = await ok(users.getCustomAttributes());
    some(attribute, { name: "seats", type: 2, displayName: "seats", options: [] });
    assert.deepEqual(more, []);
    await ok(users.deleteCustomAttributes(["seats"]));
  },
  async deleteCustomAttributes() {
    const given = [{ name: "one", type: 1 }, { name: "two", type: 1 }];
    await ok(users.createCustomAttributes(given));
    const name = await fresher({ customAttributes: { one: "1", two: "2" } });
    assert.deepEqual(names(await ok(users.deleteCustomAttributes(["one"]))), ["two"]);
    some(await load(name), { customAttributes: { two: "2" } });
    await ok(users.deleteCustomAttributes(["two"]));
  },
};

// What a project declares beside its users.
const checks = {
  async tenants() {
    assert.equal((await ok(tenants.createWithId("T1", "Acme", [], { size: 3 }))).id, "T1");
    const made = (await ok(tenants.create("Blue", ["blue.example"]))).id;
    some(await ok(tenants.load("T1")), { name: "Acme", customAttributes: { size: 3 } });
    assert.deepEqual(names(await ok(tenants.loadAll())), ["Acme", "Blue"]);
    assert.deepEqual(ids(await ok(tenants.searchAll(undefined, ["Blue"]))), [made]);
    const name = await fresher({ userTenants: [{ tenantId: "T1" }] });
    assert.equal((await load(name)).userTenants[0].tenantName, "Acme");
    await ok(tenants.delete(made));
    await ok(tenants.delete("T1", true));
    await gone(name);
    assert.deepEqual(await ok(tenants.loadAll()), []);
  },
  async roles() {
    await ok(roles.create("editor", "Edits", ["edit"]));
    const created = await ok(roles.createBatch([{ name: "viewer" }, { name: "auditor" }]));
    assert.deepEqual(names(created), ["viewer", "auditor"]);
    assert.deepEqual(names(await ok(roles.loadAll())), ["editor", "viewer", "auditor"]);
    assert.deepEqual(names(await ok(roles.search({ permissionNames: ["edit"] }))), ["editor"]);
    const name = await fresher({ roles: ["editor", "viewer"] });
    await fails(400, "E111403", users.addRoles(name, ["unheard"]));
    await ok(roles.delete("editor"));
    await ok(roles.deleteWithId(created[1].id));
    some(await load(name), { roleNames: ["viewer"] });
    await ok(roles.deleteBatch(["viewer"]));
    assert.deepEqual(await ok(roles.loadAll()), []);
  },
};

const methods = Object.keys(users).filter((name) => typeof users[name] === "function");
const known = [...Object.keys(cases), ...Object.keys(LEFT_OUT)];
const problems = [
  ...methods.filter((name) => !known.includes(name)).map((name) => `${name}: nobody calls it`),
  ...known.filter((name) => !methods.includes(name)).map((name) => `${name}: the SDK has none`),
];
const called = Object.entries(cases).filter(([name]) => methods.includes(name));
for (const [name, run] of [...called, ...Object.entries(checks)]) {
  try {
    await run();
  } catch (error) {
    problems.push(`${name}: ${error.stack}`);
  }
}
for (const problem of problems) {
  console.error(problem);
}
const left = Object.keys(LEFT_OUT).length;
console.log(
  `Node: ${called.length} of ${methods.length} methods called, ${left} left out, ${problems.length} failed`,
);
process.exit(problems.length > 0 ? 1 : 0);
