//! Tables: CSV files that give alerts labels.

use std::fs;

use expect_test::expect;
use pulsewarden::config::{Bundle, Problems};

const RULES: &str = "tables: [{ file: teams.csv, key: site, columns: [team, phone] }]\nrules:\n\
    - { alert: A, event: device.lowBattery, annotations: { summary: \"{{ labels.team }}: {{ device.serial }}\" } }\n\
    route: { receiver: a, group_by: [team] }\nreceivers: [{ name: a, email: { to: a@b.example } }]\n";

/// What `check` says of a table.
fn problems(rules: &str, table: &str) -> String {
    match Bundle::of(&[("rules.yaml", rules), ("teams.csv", table)]).compile() {
        Ok((_, warnings)) => warnings.into_iter().collect::<Problems>().render(false),
        Err(problems) => problems.render(false),
    }
}

#[test]
fn a_table_gives_labels_by_the_value_of_one() {
    let table =
        "\u{feff}site,notes,team,phone\r\n\"North, upper\", x ,red,12\r\n\r\n,,,\r\nSouth,\"a \"\"b\"\"\", blue ,\r\n";
    assert_eq!(problems(RULES, table), "");
    let (rules, _) = Bundle::of(&[("rules.yaml", RULES), ("teams.csv", table)]).compile().unwrap();
    let [table] = &rules.tables[..] else { panic!("{:?}", rules.tables) };
    assert_eq!((table.key.as_str(), &table.columns[..]), ("site", &["team".to_owned(), "phone".to_owned()][..]));
    assert_eq!(table.rows["North, upper"], ["red", "12"]);
    assert_eq!(table.rows["South"], ["blue", "unknown"]);
    assert_eq!(table.rows.len(), 2);
}

#[test]
fn a_bundle_carries_the_tables_that_its_files_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("b")).unwrap();
    for name in ["teams.csv", "b/teams.csv", "patients.csv"] {
        fs::write(path.join(name), format!("site,team,phone\n{name},red,1\n")).unwrap();
    }
    fs::write(path.join("b/rules.yaml"), RULES).unwrap();
    let bundle = Bundle::read(None, path).unwrap();
    let names: Vec<_> = bundle.files().iter().map(|file| &*file.name).collect();
    assert_eq!(names, ["b/rules.yaml", "b/teams.csv"], "what no file names is not read");
    let (rules, _) = Bundle::from_bytes(&bundle.to_bytes()).unwrap().compile().unwrap();
    assert!(rules.tables[0].rows.contains_key("b/teams.csv"));

    fs::write(path.join("b/teams.csv"), "site,team,phone\nelsewhere,red,1\n").unwrap();
    let changed = Bundle::read(None, path).unwrap();
    assert_ne!(changed.hash(), bundle.hash());
    assert_eq!(bundle.difference(&changed).others, ["tables"]);
    fs::write(path.join("b/teams.csv"), b"site,team,phone\ncaf\xe9,red,1\n").unwrap();
    let said = Bundle::read(None, path).unwrap_err().render(false);
    assert!(said.contains("teams.csv:2: not UTF-8"), "{said}");
    fs::remove_file(path.join("b/teams.csv")).unwrap();
    let missing = Bundle::read(None, path).unwrap().compile().unwrap_err().render(false);
    assert!(missing.contains("there is no file `teams.csv` beside this file"), "{missing}");
}

#[test]
fn what_is_wrong_in_a_table_is_shown_with_its_line() {
    let table = "site,team,phone\nNorth,red,1\nSouth,blue\nNorth,green,2\n,grey,3\nWest,\"a\nb\",4,5\n";
    expect![[r#"
        error: this row has 2 values, and the first line names 3
         --> teams.csv:3:1
          |
        3 | South,blue
          | ^^^^^^^^^^
          |
          = help: add what is missing; a value that is not known is left empty, and keeps its comma

        error: two rows have this key
         --> teams.csv:4:1
          |
        2 | North,red,1
          | ----------- the first
        3 | South,blue
        4 | North,green,2
          | ^^^^^^^^^^^^^
          |
          = help: keep one of the two

        error: this row has no key
         --> teams.csv:5:1
          |
        5 | ,grey,3
          | ^^^^^^^
          |
          = help: fill it in, or remove the row

        error: this row has 4 values, and the first line names 3
         --> teams.csv:6:1
          |
        6 | West,"a
          | ^^^^^^^
          |
          = help: a quote is probably not closed here

        4 errors
    "#]]
    .assert_eq(&problems(RULES, table));
}

#[test]
fn what_is_wrong_in_the_first_line_of_a_table_is_shown() {
    let mut said = String::new();
    for table in ["", "site;team;phone\nNorth;red;1\n", "Site,team,team\nNorth,red,1\n"] {
        said += &problems(RULES, table);
        said.push_str("----\n");
    }
    expect![[r#"
        error: this table is empty
         --> teams.csv:1:1
          |
        1 |
          | ^
          |
          = help: begin it with site,team,phone

        1 error
        ----
        error: the columns are not separated by commas
         --> teams.csv:1:1
          |
        1 | site;team;phone
          | ^^^^^^^^^^^^^^^
          |
          = help: save the table with commas: site,team,phone

        1 error
        ----
        error: the table has no column `site`
         --> rules.yaml:1:34
          |
        1 | tables: [{ file: teams.csv, key: site, columns: [team, phone] }]
          |                                  ^^^^
          |
         ::: teams.csv:1:1
          |
        1 | Site,team,team
          | -------------- the first line names the columns
          |
          = help: did you mean `Site`? Both must be written alike

        error: the table has no column `phone`
         --> rules.yaml:1:56
          |
        1 | tables: [{ file: teams.csv, key: site, columns: [team, phone] }]
          |                                                        ^^^^^
          |
         ::: teams.csv:1:1
          |
        1 | Site,team,team
          | -------------- the first line names the columns
          |
          = help: name a column of the table, or add one

        error: two columns are named `team`
         --> teams.csv:1:1
          |
        1 | Site,team,team
          | ^^^^^^^^^^^^^^
          |
          = help: name one of them differently

        3 errors
        ----
    "#]]
    .assert_eq(&said);
}

#[test]
fn a_table_that_goes_on_and_on_is_given_up() {
    let table = format!("site,team,phone\n{}", "North,red,1\n".repeat(50_000));
    let problems = Bundle::of(&[("rules.yaml", RULES), ("teams.csv", &table)]).compile().unwrap_err();
    assert_eq!(problems.len(), 20);
}

#[test]
fn no_table_panics() {
    let mut chance = super::Chance(11);
    let pieces =
        ["site", "team", "phone", ",", "\n", "\r", "\"", "\"\"", "é", " ", "\u{feff}", "\u{0}", "North", ";", "\t"];
    for _ in 0..3_000 {
        let table: String = (0..chance.below(40)).map(|_| pieces[chance.below(pieces.len())]).collect();
        let _ = problems(RULES, &format!("site,team,phone\n{table}"));
        let _ = problems(RULES, &table);
    }
}
