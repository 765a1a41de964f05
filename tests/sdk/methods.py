"""Every method of the Python SDK's user management, called against the simulator.

The methods are read from the SDK: one that has neither a case here nor a reason to be left out
is a failure, and so is a case for a method that is not there any more.

usage: methods.py URL-OF-A-SIMULATOR-WITH-THE-USERS-OF-USERS.JSONL
"""

import inspect
import itertools
import json
import os
import sys
import traceback

from descope import AuthException, DescopeClient
from descope.management.common import AssociatedFamily, AssociatedTenant
from descope.management.user import CreateUserObj, UserObj
from descope.management.user_pwd import UserPassword, UserPasswordBcrypt

# Methods that are not called, each with the reason.
SIGNS_IN = "it signs a test user in, and the simulator signs nobody in"
FAMILIES = "families are not imitated as objects of their own, only memberships"
LEFT_OUT = {
    "generate_otp_for_test_user": SIGNS_IN,
    "generate_magic_link_for_test_user": SIGNS_IN,
    "generate_enchanted_link_for_test_user": SIGNS_IN,
    "load_family_scoped_custom_attributes": FAMILIES,
    "create_family_scoped_custom_attributes": FAMILIES,
    "delete_family_scoped_custom_attributes": FAMILIES,
}

numbers = itertools.count()


def fresh():
    """A login ID that nobody has."""
    return f"user{next(numbers)}@example.com"


def new(users, **fields):
    """The login ID of a new user."""
    name = fresh()
    users.create(name, **fields)
    return name


def user_id(users, name):
    return users.load(name)["user"]["userId"]


def gone(users, name):
    try:
        users.load(name)
    except AuthException as error:
        return error.status_code == 404
    return False


def tenant_roles(user):
    return {tenant["tenantId"]: tenant["roleNames"] for tenant in user["userTenants"]}


def in_family(users, name, family):
    found = users.search_all(login_ids=[name], family_ids=[family])["users"]
    return len(found) == 1


# Users come.


def case_create(users):
    name = fresh()
    user = users.create(
        name,
        phone="+1-555-555-0100",
        display_name="N",
        given_name="G",
        middle_name="M",
        family_name="F",
        picture="https://example.com/p.png",
        custom_attributes={"tier": "gold"},
        user_tenants=[AssociatedTenant("T1", ["admin"])],
        role_names=["editor"],
        additional_login_ids=[f"also-{name}"],
        sso_app_ids=["A1"],
        verified_phone=True,
        status="enabled",
    )["user"]
    assert user["loginIds"] == [name, f"also-{name}"]
    assert (user["email"], user["verifiedEmail"]) == (name, True)
    assert (user["phone"], user["verifiedPhone"]) == ("+15555550100", True)
    names = [user[key] for key in ("name", "givenName", "middleName", "familyName")]
    assert names == ["N", "G", "M", "F"]
    assert user["picture"] == "https://example.com/p.png"
    assert user["customAttributes"] == {"tier": "gold"}
    assert (tenant_roles(user), user["roleNames"]) == ({"T1": ["admin"]}, ["editor"])
    assert (user["ssoAppIds"], user["status"]) == (["A1"], "enabled")


def case_create_test_user(users):
    assert users.create_test_user(fresh())["user"]["test"] is True


def case_invite(users):
    user = users.invite(fresh(), invite_url="https://example.com", send_mail=True)["user"]
    assert user["status"] == "invited"


def case_invite_batch(users):
    hashed = UserPassword(hashed=UserPasswordBcrypt("$2a$10$invented"))
    names = [fresh(), fresh(), fresh()]
    batch = [
        UserObj(names[0], password=hashed, status="enabled"),
        UserObj(names[1], seed="JBSWY3DPEHPK3PXP"),
        UserObj(names[0]),
        UserObj(names[2], password=UserPassword(cleartext="s3cret")),
    ]
    answer = users.invite_batch(batch, send_mail=False, send_sms=False)
    first, second, third = answer["createdUsers"]
    assert (first["password"], first["TOTP"], first["status"]) == (True, False, "enabled")
    assert (second["password"], second["TOTP"]) == (False, True)
    assert third["password"] is True
    assert [failed["user"]["loginIds"] for failed in answer["failedUsers"]] == [[names[0]]]


def case_import_users(users):
    name = fresh()
    records = json.dumps([{"email": name, "name": "Imported"}, {"name": "nameless"}]).encode()
    answer = users.import_users("auth0", records, dryrun=True)
    assert len(answer["failures"]) == 1 and gone(users, name)
    answer = users.import_users("auth0", records)
    assert [user["loginIds"] for user in answer["users"]] == [[name]]
    assert users.load(name)["user"]["name"] == "Imported"


# Users go.


def case_delete(users):
    name = new(users)
    users.delete(name)
    assert gone(users, name)


def case_delete_by_user_id(users):
    name = new(users)
    users.delete_by_user_id(user_id(users, name))
    assert gone(users, name)


def case_delete_batch(users):
    names = [new(users), new(users)]
    users.delete_batch([user_id(users, name) for name in names])
    assert all(gone(users, name) for name in names)


def case_delete_all_test_users(users):
    name = fresh()
    users.create_test_user(name)
    users.delete_all_test_users()
    assert gone(users, name)


# Users are read.


def case_load(users):
    name = new(users)
    assert users.load(name)["user"]["loginIds"] == [name]


def case_load_by_user_id(users):
    name = new(users)
    assert users.load_by_user_id(user_id(users, name))["user"]["loginIds"] == [name]


def case_load_users(users):
    name = new(users)
    found = users.load_users([user_id(users, name)], include_invalid_users=True)["users"]
    assert [user["loginIds"] for user in found] == [[name]]


def case_search_all(users):
    name = new(users)
    found = users.search_all(login_ids=[name, "nobody"], limit=10)
    assert (len(found["users"]), found["total"]) == (1, 1)


def case_search_all_test_users(users):
    name = fresh()
    users.create_test_user(name)
    assert len(users.search_all_test_users(login_ids=[name])["users"]) == 1


def case_history(users):
    assert users.history([user_id(users, new(users))]) == []


def case_get_provider_token(users):
    answer = users.get_provider_token(new(users), "google", withRefreshToken=True)
    assert answer["provider"] == "google" and answer["accessToken"] and answer["refreshToken"]


def case_generate_embedded_link(users):
    assert users.generate_embedded_link(new(users), {"claim": 1}, 60)


def case_generate_sign_up_embedded_link(users):
    name = fresh()
    assert users.generate_sign_up_embedded_link(name, CreateUserObj(email=name), True, False)


# Users change.


def case_update(users):
    name = new(users, phone="+15555550100", role_names=["editor"])
    user = users.update(name, display_name="N")["user"]
    assert (user["name"], user["phone"], user["roleNames"]) == ("N", "", [])


def case_patch(users):
    name = new(users, phone="+15555550100")
    user = users.patch(name, display_name="N", status="disabled")["user"]
    assert (user["name"], user["phone"], user["status"]) == ("N", "+15555550100", "disabled")


def case_patch_batch(users):
    name = new(users)
    answer = users.patch_batch([UserObj(name, display_name="N"), UserObj(fresh())])
    assert [user["name"] for user in answer["patchedUsers"]] == ["N"]
    assert len(answer["failedUsers"]) == 1


def case_activate(users):
    assert users.activate(new(users))["user"]["status"] == "enabled"


def case_deactivate(users):
    assert users.deactivate(new(users))["user"]["status"] == "disabled"


def case_update_login_id(users):
    name = fresh()
    assert users.update_login_id(new(users), name)["user"]["loginIds"] == [name]


def case_update_email(users):
    user = users.update_email(new(users), "new@example.com", True, fail_on_conflict=True)["user"]
    assert (user["email"], user["verifiedEmail"]) == ("new@example.com", True)


def case_update_phone(users):
    user = users.update_phone(new(users), "+1 555 555 0101", False, fail_on_conflict=True)["user"]
    assert (user["phone"], user["verifiedPhone"]) == ("+15555550101", False)


def case_update_display_name(users):
    user = users.update_display_name(new(users), "N", "G", "M", "F")["user"]
    assert (user["name"], user["givenName"], user["familyName"]) == ("N", "G", "F")


def case_update_picture(users):
    assert users.update_picture(new(users), "p.png")["user"]["picture"] == "p.png"


def case_update_recovery_email(users):
    user = users.update_recovery_email(new(users), "r@example.com", True)["user"]
    assert (user["recoveryEmail"], user["verifiedRecoveryEmail"]) == ("r@example.com", True)


def case_update_recovery_phone(users):
    user = users.update_recovery_phone(new(users), "+15555550102")["user"]
    assert (user["recoveryPhone"], user["verifiedRecoveryPhone"]) == ("+15555550102", False)


def case_update_custom_attribute(users):
    user = users.update_custom_attribute(new(users), "tier", "gold")["user"]
    assert user["customAttributes"] == {"tier": "gold"}


# Roles, tenants, apps and families.


def case_set_roles(users):
    name = new(users, role_names=["a"])
    assert users.set_roles(name, ["b", "c"])["user"]["roleNames"] == ["b", "c"]


def case_add_roles(users):
    assert users.add_roles(new(users, role_names=["a"]), ["b"])["user"]["roleNames"] == ["a", "b"]


def case_remove_roles(users):
    name = new(users, role_names=["a", "b"])
    assert users.remove_roles(name, ["a"])["user"]["roleNames"] == ["b"]


def case_add_tenant(users):
    assert tenant_roles(users.add_tenant(new(users), "T1")["user"]) == {"T1": []}


def case_remove_tenant(users):
    name = new(users, user_tenants=[AssociatedTenant("T1", ["a"]), AssociatedTenant("T2")])
    assert tenant_roles(users.remove_tenant(name, "T1")["user"]) == {"T2": []}


def case_set_tenant_roles(users):
    name = new(users, user_tenants=[AssociatedTenant("T1", ["a"])])
    assert tenant_roles(users.set_tenant_roles(name, "T1", ["b"])["user"]) == {"T1": ["b"]}


def case_add_tenant_roles(users):
    assert tenant_roles(users.add_tenant_roles(new(users), "T1", ["a"])["user"]) == {"T1": ["a"]}


def case_remove_tenant_roles(users):
    name = new(users, user_tenants=[AssociatedTenant("T1", ["a", "b"])])
    assert tenant_roles(users.remove_tenant_roles(name, "T1", ["a"])["user"]) == {"T1": ["b"]}


def case_add_sso_apps(users):
    name = new(users, sso_app_ids=["A1"])
    assert users.add_sso_apps(name, ["A2"])["user"]["ssoAppIds"] == ["A1", "A2"]


def case_set_sso_apps(users):
    name = new(users, sso_app_ids=["A1"])
    assert users.set_sso_apps(name, ["A2"])["user"]["ssoAppIds"] == ["A2"]


def case_remove_sso_apps(users):
    name = new(users, sso_app_ids=["A1", "A2"])
    assert users.remove_sso_apps(name, ["A1"])["user"]["ssoAppIds"] == ["A2"]


def case_add_families(users):
    name = new(users, family_associations=[AssociatedFamily("F1")])
    users.add_families(name, [AssociatedFamily("F2", ["parent"], {"key": 1})])
    assert in_family(users, name, "F1") and in_family(users, name, "F2")


def case_remove_families(users):
    name = new(users, family_associations=[AssociatedFamily("F1"), AssociatedFamily("F2")])
    users.remove_families(name, ["F1"])
    assert not in_family(users, name, "F1") and in_family(users, name, "F2")


# Credentials and devices.


def has_password(users, name):
    return users.load(name)["user"]["password"]


def case_set_password(users):
    name = new(users)
    users.set_password(name, "s3cret")
    assert has_password(users, name)


def case_set_temporary_password(users):
    name = new(users)
    users.set_temporary_password(name, "s3cret")
    assert has_password(users, name)


def case_set_active_password(users):
    name = new(users)
    users.set_active_password(name, "s3cret")
    assert has_password(users, name)


def case_expire_password(users):
    name = new(users)
    users.set_active_password(name, "s3cret")
    users.expire_password(name)
    assert has_password(users, name)


def case_remove_totp_seed(users):
    assert users.load("totp")["user"]["TOTP"] is True
    users.remove_totp_seed("totp")
    assert users.load("totp")["user"]["TOTP"] is False


def case_remove_recovery_codes(users):
    users.remove_recovery_codes("recovery-codes")


def passkeys(users, name):
    return [passkey["id"] for passkey in users.list_passkeys(name)["passkeys"]]


def case_list_passkeys(users):
    (passkey,) = users.list_passkeys("list-passkeys")["passkeys"]
    assert (passkey["id"], passkey["displayName"]) == ("P1", "Phone")


def case_delete_passkey(users):
    users.delete_passkey("one-passkey", "P1")
    assert passkeys(users, "one-passkey") == ["P2"]
    assert users.load("one-passkey")["user"]["webauthn"] is True


def case_remove_all_passkeys(users):
    users.remove_all_passkeys("all-passkeys")
    assert passkeys(users, "all-passkeys") == []
    assert users.load("all-passkeys")["user"]["webauthn"] is False


def case_list_trusted_devices(users):
    (device,) = users.list_trusted_devices(["list-devices", new(users)])["devices"]
    assert (device["id"], device["name"]) == ("D1", "Laptop")


def case_remove_trusted_device(users):
    users.remove_trusted_device("remove-device", ["D1"])
    devices = users.list_trusted_devices(["remove-device"])["devices"]
    assert [device["id"] for device in devices] == ["D2"]


def case_logout_user(users):
    users.logout_user(new(users))


def case_logout_user_by_user_id(users):
    users.logout_user_by_user_id(user_id(users, new(users)))


# Custom attributes.


def case_create_custom_attribute(users):
    answer = users.create_custom_attribute("colour", "Colour", "singleselect", options=["red"])
    (attribute,) = [own for own in answer["data"] if own["name"] == "colour"]
    assert (attribute["displayName"], attribute["type"]) == ("Colour", 4)
    assert [option["value"] for option in attribute["options"]] == ["red"]
    name = new(users, custom_attributes={"colour": "red"})
    for key, value in [("colour", "blue"), ("colour", 1), ("size", "red")]:
        try:
            users.update_custom_attribute(name, key, value)
        except AuthException as error:
            assert error.status_code == 400 and "E011003" in error.error_message, error
        else:
            raise AssertionError(f"{key} took {value}")
    users.delete_custom_attribute("colour")


def case_load_custom_attributes(users):
    users.create_custom_attribute("seats", "Seats", "number")
    (attribute,) = users.load_custom_attributes()["data"]
    assert (attribute["name"], attribute["type"]) == ("seats", 2)
    users.delete_custom_attribute("seats")


def case_delete_custom_attribute(users):
    users.create_custom_attribute("one", "One", "string")
    users.create_custom_attribute("two", "Two", "string")
    name = new(users, custom_attributes={"one": "1", "two": "2"})
    assert [own["name"] for own in users.delete_custom_attribute("one")["data"]] == ["two"]
    assert users.load(name)["user"]["customAttributes"] == {"two": "2"}
    users.delete_custom_attribute("two")


# What a project declares beside its users.


def check_tenants(mgmt):
    tenants = mgmt.tenant
    assert tenants.create("Acme", id="T1", custom_attributes={"size": 3})["id"] == "T1"
    made = tenants.create("Blue", self_provisioning_domains=["blue.example"])["id"]
    assert tenants.load("T1")["customAttributes"] == {"size": 3}
    assert [own["name"] for own in tenants.load_all()["tenants"]] == ["Acme", "Blue"]
    found = tenants.search_all(self_provisioning_domains=["blue.example"])["tenants"]
    assert [own["id"] for own in found] == [made]
    name = new(mgmt.user, user_tenants=[AssociatedTenant("T1")])
    assert mgmt.user.load(name)["user"]["userTenants"][0]["tenantName"] == "Acme"
    tenants.delete(made)
    tenants.delete("T1", cascade=True)
    assert gone(mgmt.user, name)
    assert tenants.load_all()["tenants"] == []


def check_roles(mgmt):
    roles = mgmt.role
    roles.create("editor", "Edits", ["edit"])
    roles.create_batch([{"name": "viewer"}, {"name": "auditor"}])
    listed = roles.load_all()["roles"]
    assert [own["name"] for own in listed] == ["editor", "viewer", "auditor"]
    assert listed[0]["permissionNames"] == ["edit"]
    found = roles.search(role_name_like="IT")["roles"]
    assert [own["name"] for own in found] == ["editor", "auditor"]
    name = new(mgmt.user, role_names=["editor", "viewer"])
    try:
        mgmt.user.add_roles(name, ["unheard"])
    except AuthException as error:
        assert error.status_code == 400, error
    else:
        raise AssertionError("an unknown role was taken")
    roles.delete("editor")
    roles.delete_by_id(found[1]["id"])
    assert mgmt.user.load(name)["user"]["roleNames"] == ["viewer"]
    roles.delete_batch(["viewer"])
    assert roles.load_all()["roles"] == []


def main(url):
    os.environ["DESCOPE_BASE_URI"] = url
    project = "P2aAc4T2V93bddihGEx2Ryhc8e5Z"
    mgmt = DescopeClient(project_id=project, management_key="K2fakeManagementKey").mgmt
    functions = {name: own for name, own in globals().items() if inspect.isfunction(own)}
    cases = {name.removeprefix("case_"): own for name, own in functions.items() if name.startswith("case_")}
    checks = {name: own for name, own in functions.items() if name.startswith("check_")}
    methods = {
        name
        for name, _ in inspect.getmembers(type(mgmt.user), inspect.isfunction)
        if not name.startswith("_")
    }
    failed = 0
    for name in sorted(methods ^ (cases.keys() | LEFT_OUT.keys())):
        failed += 1
        print(f"{name}: " + ("nobody calls it" if name in methods else "the SDK has none"), file=sys.stderr)
    runs = [(name, case, mgmt.user) for name, case in cases.items() if name in methods]
    for name, check, argument in runs + [(name, own, mgmt) for name, own in checks.items()]:
        try:
            check(argument)
        except Exception:
            failed += 1
            print(f"{name}:", file=sys.stderr)
            traceback.print_exc()
    done = f"{len(runs)} of {len(methods)} methods called, {len(LEFT_OUT)} left out"
    print(f"Python: {done}, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
