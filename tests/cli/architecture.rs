//! The direction of dependencies, kept by reading the graph of modules out of the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// The rooms from the ground up: each may use those above it in this list only.
const ROOMS: &[&str] = &[
    "exit",
    "stop",
    "issue",
    "figures",
    "shell",
    "tasks",
    "seal",
    "objects",
    "input",
    "catalog",
    "change",
    "outcome",
    "rows",
    "api",
    "limiter",
    "requester",
    "read",
    "attributes",
    "engine",
    "send",
    "store",
    "history",
    "absent",
    "undo",
    "verify",
    "runs",
    "redact",
    "decrypt",
    "purge",
    "export",
    "check",
    "plan",
    "doctor",
    "report",
    "shard",
    "merge",
    "mirror",
    "notify",
    "telemetry",
    "serve",
    "simulator",
    "settings",
    "connect",
    "run",
    "inbox",
    "first_job",
    "completion",
    "manual",
    "fleet",
    "commands",
    "lib",
    "main",
];

/// Libraries, and the places that hide them.
const HIDDEN: &[(&str, &[&str])] = &[
    ("reqwest", &["api/transport"]),
    ("rustls", &["api/transport", "objects/bucket"]),
    ("object_store", &["objects/bucket"]),
    ("hyper_util", &["api/transport", "simulator/", "serve/server"]),
    ("http_body_util", &["simulator/", "serve/server"]),
    ("yasna", &["api/transport/certificate"]),
    ("governor", &["limiter/state"]),
    ("redis", &["limiter/remote/wire"]),
    ("indicatif", &["report/"]),
    ("annotate_snippets", &["report/snippet"]),
    ("csv_core", &["input/"]),
    ("calamine", &["input/sheet/"]),
    ("zip", &["input/sheet/"]),
    ("quick_xml", &["input/sheet/"]),
    ("rust_xlsxwriter", &["export/write", "store/workbook"]),
    ("flate2", &["input/unpack"]),
    ("ruzstd", &["input/zstd", "store/pack"]),
    ("encoding_rs", &["input/decode"]),
    ("hyper", &["simulator/", "serve/server"]),
    ("rlibphonenumber", &["rows/values/phone"]),
    ("email_address", &["rows/values"]),
    ("base64", &["rows/values/password_hash", "report/page"]),
    ("toml", &["settings/job/read"]),
    ("clap_complete", &["completion"]),
    ("clap_mangen", &["manual/page"]),
    ("supports_hyperlinks", &["commands/caller"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("age", &["seal/"]),
    ("askama", &["report/page"]),
    (
        "ring",
        &["notify", "redact/pseudonyms", "report/page", "serve", "store/digest", "store/marks"],
    ),
];

/// A module by its path below the crate, such as `["store", "journal"]`.
type Module = Vec<String>;

/// What the sources say.
#[derive(Default)]
struct Sources {
    /// The items of each module, tests left out.
    modules: BTreeMap<Module, Vec<Item>>,
    /// For each module, the names that it has from elsewhere, and their paths.
    imports: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    found
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.require_list().map(|list| list.tokens.to_string());
        let only_in_tests = condition.is_ok_and(|condition| condition == "test");
        attribute.path().is_ident("test") || (attribute.path().is_ident("cfg") && only_in_tests)
    })
}

/// The attributes of what may be left out of all but tests.
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl Sources {
    fn read() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut parsed = BTreeMap::new();
        for path in files(&src) {
            let name = path.strip_prefix(&src).unwrap().with_extension("");
            let module: Module =
                name.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).expect("it compiles");
            parsed.insert(module, file.items);
        }
        let mut sources = Self::default();
        for root in ["lib", "main"] {
            let items = parsed.remove(&vec![root.to_owned()]).unwrap();
            sources.add(&vec![], items, &mut parsed);
        }
        sources
    }

    /// Takes a module in, and those below it that are no tests.
    fn add(&mut self, module: &Module, items: Vec<Item>, parsed: &mut BTreeMap<Module, Vec<Item>>) {
        let mut own = Vec::new();
        for item in items.into_iter().filter(|item| !is_test(attributes(item))) {
            match item {
                Item::Mod(item) => {
                    let below = [module.as_slice(), &[item.ident.to_string()]].concat();
                    let inline = item.content.map(|(_, items)| items);
                    let items = inline.or_else(|| parsed.remove(&below));
                    self.add(&below, items.unwrap_or_default(), parsed);
                }
                Item::Use(item) => {
                    let imports = self.imports.entry(module.clone()).or_default();
                    bring_in(&item.tree, &mut Vec::new(), imports);
                }
                item => own.push(item),
            }
        }
        self.modules.entry(module.clone()).or_default().extend(own);
    }

    /// The module in which what a path names is defined; `None` for what is not ours.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let (first, mut rest) = path.split_first()?;
        let mut module = match first.as_str() {
            "crate" => vec![],
            "self" => from.clone(),
            "super" => from[..from.len().checked_sub(1)?].to_vec(),
            name => {
                let below = [from.as_slice(), &[name.to_owned()]].concat();
                let imported = self.imports.get(from).and_then(|imports| imports.get(name));
                return match imported {
                    Some(import) if depth < 9 && import[0] != *name => {
                        self.resolve(from, &[import.as_slice(), rest].concat(), depth + 1)
                    }
                    _ if self.modules.contains_key(&below) => {
                        let path = [&["self".to_owned()], path].concat();
                        self.resolve(from, &path, depth + 1)
                    }
                    _ => None,
                };
            }
        };
        while let Some((name, more)) = rest.split_first() {
            let below = [module.as_slice(), std::slice::from_ref(name)].concat();
            if name == "super" {
                module.pop()?;
            } else if self.modules.contains_key(&below) {
                module = below;
            } else {
                // What is handed on is defined elsewhere.
                let import = self.imports.get(&module).and_then(|imports| imports.get(name));
                return match import.filter(|_| depth < 9) {
                    Some(import) => self
                        .resolve(&module, &[import.as_slice(), more].concat(), depth + 1)
                        .or(Some(module)),
                    None => Some(module),
                };
            }
            rest = more;
        }
        Some(module)
    }

    /// All paths that a module names.
    fn paths(&self, module: &Module) -> Vec<Vec<String>> {
        let mut paths = Paths::default();
        self.modules[module].iter().for_each(|item| paths.visit_item(item));
        let imports = self.imports.get(module).into_iter().flat_map(BTreeMap::values);
        paths.0.extend(imports.cloned());
        paths.0
    }

    /// Which modules each module names.
    fn graph(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut graph = BTreeMap::new();
        for module in self.modules.keys() {
            let paths = self.paths(module);
            let named = paths.iter().filter_map(|path| self.resolve(module, path, 0));
            graph.insert(module.clone(), named.filter(|other| other != module).collect());
        }
        graph
    }
}

/// Notes the names that a `use` brings in, and their paths.
fn bring_in(tree: &UseTree, before: &mut Vec<String>, imports: &mut BTreeMap<String, Vec<String>>) {
    let whole = |last: String, before: &[String]| [before, &[last]].concat();
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            bring_in(&path.tree, before, imports);
            before.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            imports.insert(before.last().unwrap().clone(), before.clone());
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            imports.insert(name.clone(), whole(name, before));
        }
        UseTree::Rename(rename) => {
            imports.insert(rename.rename.to_string(), whole(rename.ident.to_string(), before));
        }
        UseTree::Glob(_) => {
            imports.insert(format!("{}::*", before.join("::")), before.clone());
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| bring_in(tree, before, imports));
        }
    }
}

/// The paths that code names, inside macros as well.
#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {
        // Who may name it is not what it names.
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let text = called.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c)));
        let paths = words.filter(|word| word.contains("::") && !word.starts_with(':'));
        self.0.extend(paths.map(|path| path.split("::").map(str::to_owned).collect()));
        visit::visit_macro(self, called);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }
}

#[test]
fn dependencies_point_one_way() {
    let rank = |room: &str| {
        let place = ROOMS.iter().position(|known| *known == room);
        place.unwrap_or_else(|| panic!("{room} has no place in the order of rooms"))
    };
    let graph = Sources::read().graph();
    for (module, named) in graph {
        // The crate itself names everything, and so does what it hands to its benchmarks.
        let Some(room) = module.first().filter(|room| *room != "internals") else { continue };
        for other in named.iter().filter_map(|other| other.first()) {
            assert!(rank(other) <= rank(room), "{} must not name {other}", module.join("::"));
        }
    }
}

/// Modules that reach each other, from each of which one comes back to it.
fn circles(graph: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<Vec<String>> {
    let reached = |from: &Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            for other in graph.get(module).into_iter().flatten() {
                if seen.insert(other) {
                    next.push(other);
                }
            }
        }
        seen
    };
    let reach: BTreeMap<_, _> = graph.keys().map(|module| (module, reached(module))).collect();
    let mut circles = BTreeSet::new();
    for (module, others) in &reach {
        let circle: Vec<String> = others
            .iter()
            .filter(|other| reach.get(*other).is_some_and(|back| back.contains(module)))
            .map(|other| other.join("::"))
            .collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

#[test]
fn no_modules_need_each_other() {
    let mut graph = Sources::read().graph();
    // The crate itself hands on what is below it.
    graph.remove(&Module::new());
    assert!(graph.len() > 100, "the sources were read");
    let circles = circles(&graph);
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    for text in [
        "mod a { use crate::{b, x}; } mod b { use crate::a::A; } mod x {}",
        "mod a { use super::b::{self as c, B}; } mod b { fn f() { super::a::f() } }",
        "mod a { fn f() { println!(\"{}\", crate::b::C); } } mod b { use super::a::*; }",
        "pub use b::B; mod a { use crate::B; } mod b { impl crate::a::A for B {} }",
    ] {
        let mut sources = Sources::default();
        sources.add(&vec![], syn::parse_file(text).unwrap().items, &mut BTreeMap::new());
        assert_eq!(circles(&sources.graph()), [["a", "b"]], "{text}");
    }
    let mut sources = Sources::default();
    let text = "use a::A; mod a { #[cfg(test)] use crate::b; } mod b { use crate::a::A; }";
    sources.add(&vec![], syn::parse_file(text).unwrap().items, &mut BTreeMap::new());
    assert!(circles(&sources.graph()).is_empty());
}

#[test]
fn libraries_are_hidden_in_one_place() {
    let sources = Sources::read();
    for module in sources.modules.keys() {
        // A name alone is a variable.
        for path in sources.paths(module).into_iter().filter(|path| path.len() > 1) {
            for (library, places) in HIDDEN.iter().filter(|(library, _)| *library == path[0]) {
                let name = module.join("/");
                let may = places.iter().any(|place| name.starts_with(place));
                assert!(may, "{name} must not name {library}");
            }
        }
    }
}

/// The name of a type that an item defines for others to see.
fn type_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

#[test]
fn no_two_types_have_one_name() {
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (module, items) in Sources::read().modules {
        // The simulator is a program of its own.
        if module.first().is_none_or(|room| room != "simulator") {
            for name in items.iter().filter_map(type_name) {
                known.entry(name).or_default().push(module.join("::"));
            }
        }
    }
    known.retain(|_, modules| modules.len() > 1);
    assert!(known.is_empty(), "{known:#?}");
}
