"""What a user of the official Python SDK expects, asked of the simulator.

usage: check.py URL-WITHOUT-LIMITS URL-WITH-5-REQUESTS-A-MINUTE
"""

import os
import sys
import traceback

from descope import AuthException, DescopeClient
from descope.exceptions import RateLimitException
from descope.management.common import AssociatedTenant
from descope.management.user import UserObj

PROJECT = "P2aAc4T2V93bddihGEx2Ryhc8e5Z"
KEY = "K2fakeManagementKey"


def client(url):
    """A client of the SDK that talks to the simulator, and to nothing else."""
    os.environ["DESCOPE_BASE_URI"] = url
    return DescopeClient(project_id=PROJECT, management_key=KEY)


def fails(status, code, call, *args, **kwargs):
    """The call raises the SDK's exception with this status, and the body has this code."""
    try:
        call(*args, **kwargs)
    except AuthException as error:
        assert error.status_code == status, error
        assert code in error.error_message, error
    else:
        raise AssertionError(f"{call.__name__} did not fail")


def check_create_and_load(users):
    created = users.create("jane@example.com")["user"]
    assert created["email"] == "jane@example.com"
    assert created["verifiedEmail"] is True
    assert created["status"] == "invited"
    assert users.load("jane@example.com")["user"] == created
    assert users.load_by_user_id(created["userId"])["user"] == created
    loaded = users.load_users([created["userId"], "Unobody"])["users"]
    assert loaded == [created]
    fails(400, "E062107", users.create, "jane@example.com")


def check_unknown_users(users):
    fails(404, "E112102", users.load, "nobody@example.com")
    fails(404, "E112102", users.load_by_user_id, "U2nobody")
    fails(404, "E112102", users.update_phone, "nobody@example.com", "+15555550123", True)
    fails(404, "E112102", users.patch, "nobody@example.com", display_name="Nobody")


def check_phone(users):
    users.create("phone@example.com")
    user = users.update_phone("phone@example.com", "+1-555-555-0123", True)["user"]
    assert user["phone"] == "+15555550123" and user["verifiedPhone"] is True
    user = users.update_phone("phone@example.com", "+15555550124", False)["user"]
    assert user["verifiedPhone"] is False
    fails(400, "E011003", users.update_phone, "phone@example.com", "12", True)
    user = users.update_phone("phone@example.com", "")["user"]
    assert user["phone"] == "" and user["verifiedPhone"] is False


def check_conflicts(users):
    users.create("first@example.com")
    users.create("second@example.com")
    fails(
        409,
        "E111127",
        users.update_email,
        "first@example.com",
        "second@example.com",
        True,
        fail_on_conflict=True,
    )
    assert users.load("second@example.com")["user"]["loginIds"] == ["second@example.com"]
    user = users.update_email("first@example.com", "second@example.com", True)["user"]
    assert user["email"] == "second@example.com"
    assert user["loginIds"] == ["first@example.com", "second@example.com"]


def check_login_ids(users):
    users.create("old-login", additional_login_ids=["+1 555 555 0190"])
    user = users.load("+15555550190")["user"]
    assert sorted(user["loginIds"]) == ["+15555550190", "old-login"]
    user = users.update_login_id("old-login", "new-login")["user"]
    assert sorted(user["loginIds"]) == ["+15555550190", "new-login"]
    fails(404, "E112102", users.load, "old-login")
    fails(404, "E112102", users.update_login_id, "old-login", "new-login")
    user = users.update_login_id("new-login")["user"]
    assert user["loginIds"] == ["+15555550190"]
    fails(400, "E011003", users.update_login_id, "+15555550190")


def check_names_and_picture(users):
    users.create("names@example.com", given_name="Given", family_name="Family")
    user = users.update_display_name("names@example.com", "Display")["user"]
    assert (user["name"], user["givenName"]) == ("Display", "Given")
    user = users.update_display_name("names@example.com", given_name="G")["user"]
    assert (user["name"], user["givenName"], user["familyName"]) == ("Display", "G", "Family")
    user = users.update_picture("names@example.com", "https://example.com/p.png")["user"]
    assert user["picture"] == "https://example.com/p.png"


def check_update_replaces_and_patch_keeps(users):
    users.create("patch@example.com", phone="+15555550130", role_names=["editor"])
    user = users.patch("patch@example.com", display_name="P")["user"]
    assert (user["name"], user["phone"], user["roleNames"]) == ("P", "+15555550130", ["editor"])
    user = users.patch("patch@example.com", role_names=[])["user"]
    assert (user["roleNames"], user["phone"]) == ([], "+15555550130")
    user = users.patch("patch@example.com", phone="+15555550131")["user"]
    assert user["verifiedPhone"] is True
    user = users.update("patch@example.com", email="p@example.com")["user"]
    assert (user["email"], user["phone"], user["name"]) == ("p@example.com", "", "")


def check_status_and_attributes(users):
    users.create("status@example.com")
    assert users.activate("status@example.com")["user"]["status"] == "enabled"
    assert users.deactivate("status@example.com")["user"]["status"] == "disabled"
    for value in ["gold", 42, True, ["a", "b"]]:
        user = users.update_custom_attribute("status@example.com", "tier", value)["user"]
        assert user["customAttributes"] == {"tier": value}
    names = [attribute["name"] for attribute in users.load_custom_attributes()["data"]]
    assert "tier" in names


def check_roles_tenants_and_apps(users):
    users.create("roles@example.com")
    user = users.add_roles("roles@example.com", ["editor", "viewer"])["user"]
    assert user["roleNames"] == ["editor", "viewer"]
    user = users.remove_roles("roles@example.com", ["viewer"])["user"]
    assert user["roleNames"] == ["editor"]
    user = users.set_roles("roles@example.com", ["owner"])["user"]
    assert user["roleNames"] == ["owner"]
    user = users.add_tenant("roles@example.com", "T1")["user"]
    assert user["userTenants"][0]["tenantId"] == "T1"
    user = users.add_tenant_roles("roles@example.com", "T2", ["admin"])["user"]
    assert [tenant["tenantId"] for tenant in user["userTenants"]] == ["T1", "T2"]
    assert user["userTenants"][1]["roleNames"] == ["admin"]
    user = users.set_tenant_roles("roles@example.com", "T2", ["a", "b"])["user"]
    assert user["userTenants"][1]["roleNames"] == ["a", "b"]
    user = users.remove_tenant_roles("roles@example.com", "T2", ["a"])["user"]
    assert user["userTenants"][1]["roleNames"] == ["b"]
    user = users.remove_tenant("roles@example.com", "T1")["user"]
    assert [tenant["tenantId"] for tenant in user["userTenants"]] == ["T2"]
    assert users.add_sso_apps("roles@example.com", ["A1"])["user"]["ssoAppIds"] == ["A1"]
    assert users.set_sso_apps("roles@example.com", ["A2"])["user"]["ssoAppIds"] == ["A2"]
    assert users.remove_sso_apps("roles@example.com", ["A2"])["user"]["ssoAppIds"] == []


def check_search(users):
    for number in range(3):
        users.create(
            f"search{number}@example.com",
            user_tenants=[AssociatedTenant("search-tenant", ["member"])],
            custom_attributes={"number": number},
        )
    found = users.search_all(tenant_ids=["search-tenant"])
    assert len(found["users"]) == found["total"] == 3
    found = users.search_all(tenant_ids=["search-tenant"], limit=2, page=1)
    assert [user["loginIds"][0] for user in found["users"]] == ["search2@example.com"]
    found = users.search_all(login_ids=["search1@example.com", "nobody"])["users"]
    assert [user["customAttributes"]["number"] for user in found] == [1]
    users.create_test_user("search-test@example.com")
    assert users.search_all(login_ids=["search-test@example.com"])["users"] == []
    found = users.search_all(login_ids=["search-test@example.com"], with_test_user=True)
    assert found["users"][0]["test"] is True
    found = users.search_all_test_users(login_ids=["search-test@example.com"])
    assert len(found["users"]) == 1


def check_batches(users):
    answer = users.invite_batch([UserObj("batch1@example.com"), UserObj("batch2@example.com")])
    assert len(answer["createdUsers"]) == 2 and answer["failedUsers"] == []
    changes = [
        UserObj("batch1@example.com", display_name="One"),
        UserObj("batch-nobody@example.com", display_name="Nobody"),
    ]
    answer = users.patch_batch(changes)
    assert [user["name"] for user in answer["patchedUsers"]] == ["One"]
    assert len(answer["failedUsers"]) == 1 and answer["failedUsers"][0]["failure"]


def check_passwords_and_deletion(users):
    user_id = users.create("gone@example.com")["user"]["userId"]
    users.set_temporary_password("gone@example.com", "s3cret")
    users.set_active_password("gone@example.com", "s3cret")
    users.expire_password("gone@example.com")
    assert users.load("gone@example.com")["user"]["password"] is True
    users.update_recovery_email("gone@example.com", "r@example.com", True)
    users.update_recovery_phone("gone@example.com", "+15555550177", True)
    user = users.load(user_id)["user"]
    assert (user["recoveryEmail"], user["recoveryPhone"]) == ("r@example.com", "+15555550177")
    users.delete("gone@example.com")
    fails(404, "E112102", users.load, "gone@example.com")
    user_id = users.create("gone@example.com")["user"]["userId"]
    users.delete_batch([user_id])
    fails(404, "E112102", users.load, "gone@example.com")


def check_rate_limit(users):
    answers = []
    for _ in range(6):
        try:
            users.search_all()
            answers.append("found")
        except RateLimitException as error:
            assert error.status_code == "E130429", error
            assert 1 <= error.rate_limit_parameters["Retry-After"] <= 60, error
            answers.append("limited")
    assert answers == ["found"] * 5 + ["limited"], answers


def main(unlimited, limited):
    users, limited = client(unlimited).mgmt.user, client(limited).mgmt.user
    checks = [check for name, check in globals().items() if name.startswith("check_")]
    failed = 0
    for check in checks:
        try:
            check(limited if check is check_rate_limit else users)
        except Exception:
            failed += 1
            print(f"{check.__name__}:", file=sys.stderr)
            traceback.print_exc()
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
