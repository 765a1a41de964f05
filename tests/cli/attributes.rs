//! What a project declares: custom attributes, read and created, the types that rows have by them, and
//! roles and tenants that a plan looks for.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Desk, lines, program, text};

const DEFINITIONS: &str = "/v1/mgmt/user/customattributes";
const CREATE: &str = "/v1/mgmt/user/customattribute/create";

fn user(name: &str) -> Value {
    json!({"userId": format!("U2{name:0>26}"), "loginIds": [format!("{name}@x.com")]})
}

/// A desk whose project declares attributes, by their numbers of types.
fn declaring(attributes: &[(&str, u8)], arguments: &[&str]) -> Desk {
    let desk = Desk::new(&[user("ann"), user("ben"), user("cat")], arguments);
    declare(&desk, attributes);
    desk
}

fn declare(desk: &Desk, attributes: &[(&str, u8)]) {
    let one = |(name, kind): &(&str, u8)| json!({"name": name, "type": kind, "displayName": name});
    let attributes: Vec<Value> = attributes.iter().map(one).collect();
    desk.simulator.post(CREATE, &json!({"attributes": attributes}).to_string());
}

/// How often a path was asked for.
fn times(desk: &Desk, path: &str) -> usize {
    desk.simulator.paths().iter().filter(|own| *own == path).count()
}

fn attributes_of(desk: &Desk, name: &str) -> Value {
    desk.simulator.users()[&format!("U2{name:0>26}")]["customAttributes"].clone()
}

const TYPED: &str = "loginId,customAttributes.sku,customAttributes.price,customAttributes.vip\n\
                     ann@x.com,5551234,12.50,TRUE\nben@x.com,0042,7,no\n";

const TYPES: [(&str, u8); 3] = [("sku", 1), ("price", 2), ("vip", 3)];

#[test]
fn definitions_are_listed_for_people_and_programs() {
    let desk = declaring(&[("tier", 4), ("price", 2)], &[]);
    let (shown, _) = desk.go(&["attributes", "list"], 0);
    let line = |name: &str| shown.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("tier").contains("singleselect"), "{shown}");
    assert!(line("price").contains("number"), "{shown}");
    let told = desk.json(&["attributes", "list"], 0);
    let named = |name: &str| {
        let list = told["attributes"].as_array().unwrap();
        list.iter().find(|own| own["name"] == name).unwrap()["type"].clone()
    };
    assert_eq!((named("tier"), named("price")), (json!("singleselect"), json!("number")));
    let nothing = Desk::new(&[], &[]);
    let (shown, _) = nothing.go(&["attributes", "list"], 0);
    assert_eq!(shown, "the project declares no custom attributes\n");
    let refusing = Desk::new(&[], &["--fault", "403:path=customattributes"]);
    let (_, said) = refusing.go(&["attributes", "list"], 3);
    assert!(said.contains("cannot be read: HTTP 403"), "{said}");
}

#[test]
fn what_the_project_lacks_is_created_once() {
    let desk = declaring(&[("tier", 1)], &[]);
    desk.write(
        "new.csv",
        "name,type,displayName,options\ntier,text,,\nvip,boolean,VIP,\ntags,multiselect,,a;b\n",
    );
    let (shown, _) = desk.go(&["attributes", "create", "new.csv"], 0);
    assert!(shown.contains("\nexists  tier"), "{shown}");
    assert!(shown.contains("\nnew     vip   boolean"), "{shown}");
    assert!(shown.ends_with("created 2 attributes\n"), "{shown}");
    let told = desk.json(&["attributes", "list"], 0);
    let types: Vec<_> =
        told["attributes"].as_array().unwrap().iter().map(|own| text(own, "type")).collect();
    assert_eq!(types.len(), 3);
    assert!(types.contains(&"boolean") && types.contains(&"multiselect"), "{types:?}");
    assert_eq!(times(&desk, CREATE), 2, "ours, and one request for both");
    let (shown, _) = desk.go(&["attributes", "create", "new.csv"], 0);
    assert!(shown.contains("nothing to create"), "{shown}");
    let told = desk.json(&["attributes", "create", "new.csv"], 0);
    assert_eq!(told["created"], json!([]));
    assert_eq!(told["existing"].as_array().unwrap().len(), 3);
    assert_eq!(times(&desk, CREATE), 2, "what is there is not created again");
}

#[test]
fn nothing_is_created_where_a_type_differs_or_the_file_is_wrong() {
    let desk = declaring(&[("tier", 1)], &[]);
    desk.write("differs.csv", "name,type\nvip,boolean\ntier,number\n");
    let (_, said) = desk.go(&["attributes", "create", "differs.csv"], 2);
    assert!(said.contains("differs.csv:3: type: tier is number in the file"), "{said}");
    assert!(said.contains("the project has it as text"), "{said}");
    let reads = times(&desk, DEFINITIONS);
    desk.write(
        "wrong.jsonl",
        "{\"name\":\"a\",\"type\":\"text\"}\n{\"name\":\"b\",\"type\":\"txet\"}\n",
    );
    let (_, said) = desk.go(&["attributes", "create", "wrong.jsonl"], 2);
    assert!(
        said.contains("wrong.jsonl:2: type: there is no such type; did you mean text?"),
        "{said}"
    );
    desk.go(&["attributes", "create", "nowhere.csv"], 2);
    assert_eq!(times(&desk, DEFINITIONS), reads, "a wrong file asks nobody");
    assert_eq!(times(&desk, CREATE), 1, "ours");
}

#[test]
fn after_a_lost_answer_the_project_is_read_and_nothing_is_sent_again() {
    // Of the second request, since the first is ours.
    for (fault, code, there) in [
        ("apply-drop:path=customattribute/create,after=1,times=1", 0, 2),
        ("drop:path=customattribute/create,after=1,times=1", 3, 1),
        ("504:path=customattribute/create,after=1,times=1", 3, 1),
        ("400:path=customattribute/create,after=1,times=1", 3, 1),
    ] {
        let desk = declaring(&[("tier", 1)], &["--fault", fault]);
        desk.write("new.csv", "name,type\nvip,boolean\n");
        let (_, said) = desk.go(&["attributes", "create", "new.csv"], code);
        assert_eq!(times(&desk, CREATE), 2, "{fault}");
        if code == 3 {
            assert!(said.contains("not created: vip"), "{fault}: {said}");
            assert!(said.contains("run it again"), "{fault}: {said}");
        }
        let told = desk.json(&["attributes", "list"], 0);
        assert_eq!(told["attributes"].as_array().unwrap().len(), there, "{fault}");
        // Run again, it comes to the same.
        desk.go(&["attributes", "create", "new.csv"], 0);
        assert_eq!(times(&desk, CREATE), if code == 3 { 3 } else { 2 }, "{fault}");
    }
}

#[test]
fn rows_are_sent_with_the_types_of_the_project() {
    let desk = declaring(&TYPES, &[]);
    desk.write("in.csv", TYPED);
    desk.go(&["run", "in.csv", "--out", "out"], 0);
    let expected = json!({"sku": "5551234", "price": 12.5, "vip": true});
    assert_eq!(attributes_of(&desk, "ann"), expected);
    assert_eq!(attributes_of(&desk, "ben"), json!({"sku": "0042", "price": 7, "vip": false}));
    assert_eq!(times(&desk, DEFINITIONS), 1, "one request a run");
    let before = desk.simulator.paths();
    let first = before.iter().position(|path| path == DEFINITIONS).unwrap();
    let update = before.iter().position(|path| path.ends_with("/customAttribute")).unwrap();
    assert!(first < update, "before the first row: {before:?}");
    // JSON as well, through standard input, which can be read only once.
    desk.write(
        "in.jsonl",
        "{\"loginId\":\"cat@x.com\",\"attributeKey\":\"price\",\"attributeValue\":\"3.50\"}\n",
    );
    let piped = std::fs::File::open(desk.path("in.jsonl")).unwrap();
    let ran = desk.command(&["run", "-", "--out", "piped"]).stdin(Stdio::from(piped)).output();
    assert_eq!(ran.unwrap().status.code(), Some(0));
    assert_eq!(attributes_of(&desk, "cat"), json!({"price": 3.5}));
    // Rows without attributes ask for nothing.
    desk.write("names.csv", "loginId,givenName\nann@x.com,Ann\n");
    desk.go(&["run", "names.csv", "--out", "names"], 0);
    assert_eq!(times(&desk, DEFINITIONS), 2);
    // Nor does a rehearsal, which has no project.
    desk.go(&["run", "in.csv", "--simulate", "--out", "rehearsed"], 0);
    let rehearsed = &desk.results("rehearsed")[0]["user"]["customAttributes"];
    assert_eq!(rehearsed["sku"], json!("5551234"), "as the column shows");
    assert_eq!(times(&desk, DEFINITIONS), 2);
}

#[test]
fn what_is_not_of_its_type_or_not_declared_is_a_problem_of_its_row() {
    let desk = declaring(&[("price", 2), ("since", 6)], &[]);
    let rows = "loginId,customAttributes.price,customAttributes.since\n\
                ann@x.com,x,2024-13-01\nben@x.com,7,01/02/2024\ncat@x.com,8,2024-05-31\n";
    desk.write("in.csv", rows);
    let (shown, _) = desk.go(&["check", "in.csv"], 1);
    for expected in [
        "in.csv:2:",
        "expected a number",
        "expected a date",
        "which number is the month",
        "YYYY-MM-DD",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let plan = desk.json(&["plan", "in.csv"], 1);
    assert_eq!((&plan["others"]["invalid"], &plan["changes"]), (&json!(2), &json!(1)));
    desk.go(&["run", "in.csv", "--out", "out", "--max-invalid", "100%"], 1);
    let statuses: Vec<_> =
        desk.results("out").iter().map(|row| text(row, "status").to_owned()).collect();
    assert_eq!(statuses, ["invalid", "invalid", "updated"]);
    desk.write("unknown.csv", "loginId,customAttributes.prise\nann@x.com,7\n");
    let (shown, _) = desk.go(&["check", "unknown.csv"], 1);
    assert!(shown.contains("error[unknown_attribute]"), "{shown}");
    assert!(shown.contains("no custom attribute prise; did you mean price?"), "{shown}");
    desk.go(&["run", "unknown.csv", "--out", "unknown"], 1);
    let error = &desk.results("unknown")[0]["error"];
    assert_eq!(
        (text(error, "kind"), text(error, "column")),
        ("unknown_attribute", "customAttributes.prise")
    );
    let (shown, _) = desk.go(&["plan", "unknown.csv"], 1);
    assert!(shown.contains("did you mean price?"), "{shown}");
}

#[test]
fn where_the_types_come_from_is_told() {
    let desk = declaring(&TYPES, &[]);
    desk.write("in.csv", TYPED);
    let (shown, said) = desk.go(&["check", "in.csv"], 0);
    assert!(shown.contains("\ntypes of custom attributes: from the project\n"), "{shown}");
    assert!(said.contains("reading the custom attributes of project"), "{said}");
    assert!(said.contains("--offline does without"), "{said}");
    let report = desk.json(&["check", "in.csv", "--attribute", "sku=text"], 0);
    assert_eq!(report["attributeTypesFrom"], json!(["stated", "project"]));
    let (shown, _) = desk.go(&["plan", "in.csv"], 0);
    assert!(shown.contains("\ntypes of custom attributes: from the project\n"), "{shown}");
    let reads = times(&desk, DEFINITIONS);
    assert_eq!(reads, 3, "one for each");
    // Offline, and without credentials, the values alone show types.
    desk.write("mixed.csv", "loginId,customAttributes.sku\nann@x.com,7\nben@x.com,x\n");
    let (shown, said) = desk.go(&["check", "mixed.csv", "--offline"], 1);
    assert!(shown.contains("mixed_types") && shown.contains("from the values"), "{shown}");
    assert!(!said.contains("reading"), "{said}");
    let alone = program().current_dir(desk.path("")).args(["check", "mixed.csv"]).output().unwrap();
    assert_eq!(alone.status.code(), Some(1));
    assert!(String::from_utf8(alone.stdout).unwrap().contains("mixed_types"));
    assert!(alone.stderr.is_empty(), "{:?}", String::from_utf8(alone.stderr));
    assert_eq!(times(&desk, DEFINITIONS), reads);
    let (shown, _) = desk.go(&["check", "mixed.csv"], 0);
    assert!(!shown.contains("mixed_types"), "the project says that it is text: {shown}");
    desk.write("names.csv", "loginId,givenName\nann@x.com,Ann\n");
    let (shown, said) = desk.go(&["check", "names.csv"], 0);
    assert!(!shown.contains("types of") && said.is_empty(), "{shown} {said}");
}

#[test]
fn a_type_that_contradicts_the_project_is_refused() {
    let desk = declaring(&[("price", 2)], &[]);
    desk.write("in.csv", "loginId,customAttributes.price\nann@x.com,7\n");
    for command in ["check", "plan", "run"] {
        let (_, said) = desk.go(&[command, "in.csv", "--attribute", "price=text"], 2);
        assert!(
            said.contains("--attribute price=text: the project declares price as number"),
            "{command}: {said}"
        );
    }
    assert!(!desk.path("runs").exists());
    desk.go(&["run", "in.csv", "--out", "out", "--attribute", "price=json"], 0);
    assert_eq!(attributes_of(&desk, "ann"), json!({"price": 7}));
}

#[test]
fn where_definitions_cannot_be_read_the_values_show_the_types() {
    for fault in ["403:path=customattributes", "404:path=customattributes"] {
        let desk = declaring(&[("vip", 3)], &["--fault", fault]);
        desk.write("in.csv", "loginId,customAttributes.vip\nann@x.com,TRUE\n");
        for (words, code) in [
            (&["check", "in.csv"][..], 0),
            (&["plan", "in.csv"], 0),
            (&["run", "in.csv", "--out", "out"], 0),
        ] {
            let (_, said) = desk.go(words, code);
            let warned = said.lines().filter(|line| line.contains("cannot be read")).count();
            assert_eq!(warned, 1, "{fault} {words:?}: {said}");
        }
        assert_eq!(attributes_of(&desk, "ann"), json!({"vip": true}), "{fault}");
    }
    // What may be different another time is no reason to go on: rows would be sent otherwise.
    let desk = declaring(&[("vip", 1)], &["--fault", "500:path=customattributes,first=2"]);
    desk.write("in.csv", "loginId,customAttributes.vip\nann@x.com,TRUE\n");
    let (_, said) = desk.go(&["run", "in.csv", "--out", "out", "--rate", "off"], 0);
    assert!(!said.contains("cannot be read"), "{said}");
    assert_eq!(attributes_of(&desk, "ann"), json!({"vip": "TRUE"}));
}

#[test]
fn a_run_is_resumed_with_the_same_types_only() {
    let stopping = ["--fault", "401:path=customAttribute,first=1"];
    let resume = ["run", "in.csv", "--out", "out", "--resume"];
    // Somebody changes the type meanwhile.
    let desk = declaring(&TYPES, &stopping);
    desk.write("in.csv", TYPED);
    // One at a time: what stops the run is the first request, and none is under way beside it.
    desk.go(&["run", "in.csv", "--out", "out", "--concurrency", "1"], 3);
    let delete = |name: &str| {
        let names = json!({"names": [name]}).to_string();
        desk.simulator.post("/v1/mgmt/user/customattribute/delete", &names);
    };
    delete("price");
    declare(&desk, &[("price", 1)]);
    let (_, said) = desk.go(&resume, 2);
    assert!(said.contains(r#"customAttributes.price: it was "number", now "text""#), "{said}");
    assert!(!said.contains("customAttributes.sku"), "{said}");
    delete("price");
    let (_, said) = desk.go(&resume, 2);
    assert!(said.contains(r#"it was "number", now "not declared""#), "{said}");
    assert_eq!(attributes_of(&desk, "ann"), json!({}), "nothing was sent");
    // As it was, and with another that the rows do not set.
    declare(&desk, &[("price", 2), ("other", 1)]);
    desk.go(&resume, 0);
    let expected = json!({"sku": "5551234", "price": 12.5, "vip": true});
    assert_eq!(attributes_of(&desk, "ann"), expected);
}

#[test]
fn a_plan_is_run_with_the_types_that_it_was_made_with() {
    let desk = declaring(&TYPES, &[]);
    desk.write("in.csv", TYPED);
    desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 0);
    declare(&desk, &[("price", 1)]);
    let reads = times(&desk, DEFINITIONS);
    desk.go(&["run", "plan.jsonl", "--out", "out"], 0);
    assert_eq!(attributes_of(&desk, "ann")["price"], json!(12.5));
    assert_eq!(times(&desk, DEFINITIONS), reads);
    // And what was is restored, whatever is declared now.
    desk.go(&["undo", "out", "-o", "undo.jsonl"], 0);
    desk.go(&["run", "undo.jsonl", "--out", "back"], 0);
    assert_eq!(attributes_of(&desk, "ann"), json!({}));
}

#[test]
fn an_export_goes_in_again_with_the_types_of_the_project() {
    let attributes = |sku: &str| json!({"sku": sku, "price": 1.5, "vip": true, "tags": ["a", "b"], "since": "2024-05-31"});
    let texts = ["007", "true", "\"quoted\"", "{\"a\":1}", "plain", "12.50"];
    let one = |(number, sku): (usize, &&str)| {
        let mut user = user(&format!("u{number}"));
        user["customAttributes"] = attributes(sku);
        user
    };
    let users: Vec<Value> = texts.iter().enumerate().map(one).collect();
    let desk = Desk::new(&users, &[]);
    declare(&desk, &[("sku", 1), ("price", 2), ("vip", 3), ("tags", 5), ("since", 6)]);
    for file in ["out.csv", "out.jsonl", "out.xlsx"] {
        desk.go(&["export", "-o", file], 0);
        let plan = desk.json(&["plan", file], 0);
        assert_eq!(plan["others"], json!({"unchanged": texts.len()}), "{file}");
        assert_eq!(plan["attributeTypesFrom"], json!(["project"]));
    }
}

/// A desk whose project has the role editor and the tenant T1.
fn with_roles(arguments: &[&str]) -> Desk {
    let mut ann = user("ann");
    ann["userTenants"] = json!([{"tenantId": "T1", "roleNames": []}]);
    let known = ["--known-role", "editor"];
    let desk = Desk::new(&[ann, user("ben")], &[&known, arguments].concat());
    let create = |path: &str, body: Value| desk.simulator.post(path, &body.to_string());
    create("/v1/mgmt/role/create", json!({"name": "editor"}));
    create("/v1/mgmt/tenant/create", json!({"id": "T1", "name": "T1"}));
    desk
}

const GIVING: &str = "operation,loginId,roleNames,tenantId\nrole-add,ann@x.com,edtor,\n\
                      role-add,ben@x.com,editor,\ntenant-add,ben@x.com,,T-1\n\
                      role-add,ben@x.com,editor,T1\nrole-remove,ben@x.com,gone,\n";

#[test]
fn a_plan_finds_roles_and_tenants_that_the_project_lacks() {
    let desk = with_roles(&[]);
    desk.write("in.csv", GIVING);
    let plan = desk.json(&["plan", "in.csv", "-o", "plan.jsonl"], 1);
    assert_eq!(
        (&plan["others"]["unknown_role"], &plan["others"]["unknown_tenant"]),
        (&json!(1), &json!(1))
    );
    assert_eq!((&plan["changes"], &plan["others"]["unchanged"]), (&json!(2), &json!(1)));
    assert_eq!(plan["unchecked"], json!([]));
    for path in ["/v1/mgmt/role/all", "/v1/mgmt/tenant/all"] {
        assert_eq!(times(&desk, path), 1, "{path}");
    }
    let (shown, _) = desk.go(&["plan", "in.csv"], 1);
    assert!(shown.contains("1  unknown role  the project has no such role"), "{shown}");
    assert!(shown.contains("no role edtor; did you mean editor?"), "{shown}");
    assert!(shown.contains("no tenant T-1; did you mean T1?"), "{shown}");
    let lines = lines(&desk.path("plan.jsonl"));
    assert_eq!(
        (text(&lines[1], "_status"), text(&lines[3], "_status")),
        ("unknown_role", "unknown_tenant")
    );
    desk.go(&["run", "plan.jsonl", "--out", "out", "--allow", "access"], 0);
    assert_eq!(desk.results("out").len(), 2, "what was refused is not sent");
    // Rows that give nothing of the kind ask for nothing.
    let reads = times(&desk, "/v1/mgmt/role/all");
    desk.write("names.csv", "loginId,givenName\nann@x.com,Ann\n");
    desk.go(&["plan", "names.csv"], 0);
    assert_eq!(times(&desk, "/v1/mgmt/role/all"), reads);
}

#[test]
fn a_plan_says_that_roles_and_tenants_were_not_checked() {
    let desk = with_roles(&["--fault", "403:path=role/all", "--fault", "404:path=tenant/all"]);
    desk.write("in.csv", GIVING);
    let (shown, _) = desk.go(&["plan", "in.csv"], 0);
    assert!(shown.contains("\nroles are not checked: they cannot be read: HTTP 403"), "{shown}");
    assert!(shown.contains("\ntenants are not checked: they cannot be read: HTTP 404"), "{shown}");
    let plan = desk.json(&["plan", "in.csv"], 0);
    assert_eq!(plan["unchecked"], json!(["roles", "tenants"]));
    // What may be answered another time is waited for.
    let desk = with_roles(&["--fault", "503:path=role/all,first=1"]);
    desk.write("in.csv", GIVING);
    let plan = desk.json(&["plan", "in.csv"], 1);
    assert_eq!(plan["unchecked"], json!([]));
}
