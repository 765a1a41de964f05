//! `explain`: what became of a row, from the folder of its run alone.

use serde_json::json;

use crate::support::Desk;

#[test]
fn the_story_of_a_row_has_repairs_changes_requests_and_the_outcome() {
    let user = json!({"loginIds": ["ann@x.com"], "phone": "+442079460000", "verifiedPhone": true});
    let faults = ["--fault", "503:path=phone,login-id=ann@x.com,first=1"];
    let desk = Desk::new(&[user], &faults);
    let rows = "operation,loginId,phone,verified,password,roleNames\n\
                phone,ann@x.com,020 7946 0018,true,,\nrole-add,ann@x.com,,,,a;b\n\
                password-set-active,ann@x.com,,,Secret-1,\nphone,nobody@x.com,+442079460019,true,,\n\
                phone,ann@x.com,12,true,,\n";
    desk.write("in.csv", rows);
    desk.go(&["run", "in.csv", "--out", "out", "--region", "GB", "--max-invalid", "50%"], 1);
    let explain = |row: &str| desk.go(&["explain", "out", row], 0).0;
    let first = explain("1");
    for expected in [
        "row 1, in.csv line 2: phone of ann@x.com",
        "column phone: \"020 7946 0018\" → \"+442079460018\" (repair: country_code_added)",
        "change: phone becomes +442079460018",
        "phone +442079460000",
        "/v1/mgmt/user/update/phone",
        "503 after",
        "200 after",
        "updated: the server changed the user",
    ] {
        assert!(first.contains(expected), "no {expected:?}: {first}");
    }
    assert!(explain("2").contains("change: a; b is added to roleNames"), "{}", explain("2"));
    let secret = explain("3");
    assert!(secret.contains("password is set to what is shown nowhere"), "{secret}");
    assert!(!secret.contains("Secret-1"), "{secret}");
    let missing = explain("4");
    assert!(missing.contains("rejected") && missing.contains("user_not_found"), "{missing}");
    let invalid = explain("5");
    assert!(invalid.contains("invalid: the row is wrong; nothing was sent"), "{invalid}");
    assert!(invalid.contains("what to do:"), "{invalid}");
    let (_, said) = desk.go(&["explain", "out", "6"], 2);
    assert!(said.contains("row 6 has no outcome"), "{said}");
    let (_, said) = desk.go(&["explain", ".", "1"], 2);
    assert!(said.contains("there is no run here"), "{said}");
}
