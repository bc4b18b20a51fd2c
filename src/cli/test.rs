//! `test`: the test cases beside the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use clap::Args;

use super::output::{colors_stdout, counted, text};
use super::record::{self, Chosen, Places};
use super::{FINE, USED_WRONGLY, WRONG};
use crate::config::{
    Bundle, Case, Problems, Reviewed, Settings, TestFile, read_test_file, review_settings, test_files,
};
use crate::engine::RuleSet;
use crate::replay::{Tested, junit, rehearse};

#[derive(Debug, Args)]
pub struct TestArguments {
    /// Test files, or folders in which to look for them; the configured folder of rules where none is given
    #[arg(value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
    /// Test the rules in this folder; otherwise the folder of the test files itself
    #[arg(long, value_name = "FOLDER")]
    rules: Option<PathBuf>,
    /// The folder of the shipped rules, which those under test may change; otherwise the configured one
    #[arg(long, value_name = "FOLDER")]
    library: Option<PathBuf>,
    /// Run only tests with this in their names
    #[arg(long, value_name = "TEXT")]
    run: Option<String>,
    /// Write the results to this file too, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Say which rules no test expects anything of
    #[arg(long)]
    coverage: bool,
    /// Print a test case made from these events of the store: journal rows as in 120-140,155, or id:57637002
    ///
    /// Whoever they are about is replaced by invented people and numbers. What is expected is what the rules in force make
    /// of them, or those given by --rules.
    #[arg(long, value_name = "EVENTS", value_parser = record::chosen, conflicts_with_all = ["paths", "run", "junit", "coverage"])]
    record: Option<Chosen>,
    /// With --record: the file of the store; otherwise the configured one
    #[arg(long, value_name = "FILE", requires = "record")]
    store: Option<PathBuf>,
}

/// The rules that a test file is about: a folder, and the shipped rules beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    rules: PathBuf,
    library: Option<PathBuf>,
}

/// The rules of a [`Subject`], read once.
struct Rules {
    bundle: Bundle,
    compiled: Result<Arc<RuleSet>, Problems>,
    /// Rules that some test expects something of.
    expected: BTreeSet<String>,
}

/// Everything that was tested so far.
#[derive(Default)]
struct Report {
    rules: BTreeMap<Subject, Rules>,
    tested: Vec<Tested>,
    out: String,
}

pub(super) fn run(config: &Path, arguments: &TestArguments) -> anyhow::Result<u8> {
    if let Some(chosen) = &arguments.record {
        let TestArguments { store, rules, library, .. } = arguments;
        let places = Places { store: store.as_deref(), rules: rules.as_deref(), library: library.as_deref() };
        return record::run(config, chosen, &places);
    }
    let settings = configured(config);
    let (files, problems) = match find(arguments, settings.as_ref()) {
        Ok(found) => found,
        Err(wrong) => {
            eprintln!("pulsewarden: {wrong}");
            return Ok(USED_WRONGLY);
        }
    };
    let mut report = Report::default();
    report.out.push_str(&problems.render(colors_stdout()));
    for (file, subject) in files {
        report.test(&file, &subject, arguments.run.as_deref());
    }
    report.finish(arguments, problems.any_errors())
}

/// What the configuration says of rules, where there is one.
fn configured(config: &Path) -> Option<Settings> {
    let Reviewed { settings, understood, .. } = review_settings(config);
    understood.then_some(settings)
}

/// The test files that are meant, each with the rules that it is about, or what is wrong with the arguments.
fn find(arguments: &TestArguments, settings: Option<&Settings>) -> Result<(Vec<(PathBuf, Subject)>, Problems), String> {
    let usual = arguments.rules.as_ref().or(settings.map(|settings| &settings.rules));
    let paths = match (arguments.paths.as_slice(), usual) {
        ([], None) => {
            return Err("there is no configuration that names the rules; say which: pulsewarden test FOLDER".into());
        }
        ([], Some(rules)) => std::slice::from_ref(rules),
        (paths, _) => paths,
    };
    let (mut files, mut problems) = (Vec::new(), Problems::default());
    for path in paths {
        if path.is_dir() {
            let (found, wrong) = test_files(path);
            problems.extend(wrong);
            files.extend(found.into_iter().map(|file| (subject(&file, path, arguments, settings), file)));
        } else if !path.exists() {
            return Err(format!("there is no file or folder {}", path.display()));
        } else if path.to_string_lossy().ends_with(".test.yaml") {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            files.push((subject(path, folder, arguments, settings), path.clone()));
        } else {
            return Err(format!("{} is no test file: their names end in .test.yaml", path.display()));
        }
    }
    if files.is_empty() && !problems.any_errors() {
        let folders: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(format!("there are no test files in {}: their names end in .test.yaml", folders.join(", ")));
    }
    Ok((files.into_iter().map(|(subject, file)| (file, subject)).collect(), problems))
}

/// The rules that a test file below `folder` is about.
fn subject(file: &Path, folder: &Path, arguments: &TestArguments, settings: Option<&Settings>) -> Subject {
    let library = arguments.library.clone().or_else(|| settings.and_then(|settings| settings.library.clone()));
    if let Some(rules) = &arguments.rules {
        return Subject { rules: rules.clone(), library: arguments.library.clone() };
    }
    let within = |whole: &Path| match (fs::canonicalize(file), fs::canonicalize(whole)) {
        (Ok(file), Ok(whole)) => file.starts_with(whole),
        _ => false,
    };
    if library.as_ref().is_some_and(|library| within(library)) {
        return Subject { rules: library.unwrap_or_default(), library: None };
    }
    let own = settings.map(|settings| &settings.rules).filter(|rules| within(rules));
    Subject { rules: own.cloned().unwrap_or_else(|| folder.to_owned()), library }
}

impl Rules {
    fn read(subject: &Subject) -> Self {
        let (bundle, compiled) = match Bundle::read(subject.library.as_deref(), &subject.rules) {
            Ok(bundle) => {
                let compiled = bundle.compile().map(|(rules, _)| Arc::new(rules));
                (bundle, compiled)
            }
            Err(problems) => (Bundle::default(), Err(problems)),
        };
        Self { bundle, compiled, expected: BTreeSet::new() }
    }

    /// The rules as a case has them, its own settings included.
    fn of(&self, case: &Case) -> Result<Arc<RuleSet>, String> {
        match (&self.compiled, &case.settings) {
            (Err(problems), _) => Err(problems.summary()),
            (Ok(rules), None) => Ok(Arc::clone(rules)),
            (Ok(_), Some(settings)) => match self.bundle.with(settings.clone()).compile() {
                Ok((rules, _)) => Ok(Arc::new(rules)),
                Err(problems) => Err(problems.render(false)),
            },
        }
    }
}

impl Report {
    /// Runs the cases of one file.
    fn test(&mut self, file: &Path, subject: &Subject, wanted: Option<&str>) {
        let known = self.rules.contains_key(subject);
        let rules = self.rules.entry(subject.clone()).or_insert_with(|| Rules::read(subject));
        let name = file.display().to_string();
        if let (Err(problems), false) = (&rules.compiled, known) {
            self.out.push_str(&problems.render(colors_stdout()));
        }
        let compiled = rules.compiled.as_deref().ok();
        let TestFile { cases, problems } = read_test_file(file, compiled);
        rules.expected.extend(cases.iter().flat_map(|case| &case.expect).map(|expected| expected.alert.clone()));
        self.out.push_str(&problems.render(colors_stdout()));
        if problems.any_errors() {
            self.tested.push(Tested::not_run(&name, "(the file)", problems.render(false)));
            return;
        }
        if compiled.is_none() {
            let error = format!("the rules in {} cannot be used", subject.rules.display());
            self.tested.push(Tested::not_run(&name, "(the rules)", error));
            return;
        }
        let cases: Vec<&Case> =
            cases.iter().filter(|case| wanted.is_none_or(|wanted| case.name.contains(wanted))).collect();
        if !cases.is_empty() {
            let _ = writeln!(self.out, "{name}");
        }
        for case in cases {
            let rules = match rules.of(case) {
                Ok(rules) => rules,
                Err(wrong) => {
                    let _ = writeln!(self.out, "  FAIL  {}\n\n{}", case.name, wrong.trim_end());
                    self.tested.push(Tested::not_run(&name, &case.name, wrong));
                    continue;
                }
            };
            let began = Instant::now();
            let mismatches = rehearse(case, rules);
            let took = began.elapsed();
            let verdict = if mismatches.is_empty() { "ok  " } else { "FAIL" };
            let _ = writeln!(self.out, "  {verdict}  {}", case.name);
            for line in mismatches
                .iter()
                .flat_map(|mismatch| mismatch.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
            {
                let _ = writeln!(self.out, "        {line}");
            }
            let failures = mismatches.iter().map(|one| (one.head(), one.to_string())).collect();
            self.tested.push(Tested { file: name.clone(), name: case.name.clone(), took, failures, error: None });
        }
    }

    fn finish(mut self, arguments: &TestArguments, unreadable: bool) -> anyhow::Result<u8> {
        if let Some(path) = &arguments.junit {
            fs::write(path, junit(&self.tested))
                .with_context(|| format!("the results cannot be written to {}", path.display()))?;
        }
        if arguments.coverage {
            self.coverage();
        }
        let failed = self.tested.iter().filter(|one| !one.failures.is_empty()).count();
        let errors = self.tested.iter().filter(|one| one.error.is_some()).count();
        let passed = self.tested.len() - failed - errors;
        if let (true, Some(wanted)) = (self.tested.is_empty() && !unreadable, &arguments.run) {
            text(&self.out)?;
            eprintln!("pulsewarden: no test has `{wanted}` in its name");
            return Ok(USED_WRONGLY);
        }
        let mut parts = vec![format!("{passed} ok")];
        for (count, what) in [(failed, "failed"), (errors, "could not be run")] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let _ = writeln!(self.out, "\n{}: {}", counted(self.tested.len(), "test"), parts.join(", "));
        text(&self.out)?;
        Ok(if failed + errors > 0 || unreadable { WRONG } else { FINE })
    }

    /// Says which rules no test expects anything of; of the shipped ones only where these are tested themselves.
    fn coverage(&mut self) {
        for (subject, rules) in &self.rules {
            let Ok(compiled) = &rules.compiled else { continue };
            let shipped =
                subject.library.as_deref().and_then(|library| Bundle::read(None, library).ok()?.compile().ok());
            let is_shipped = |name: &str| shipped.as_ref().is_some_and(|(shipped, _)| shipped.rule(name).is_some());
            let own: Vec<&str> =
                compiled.rules.iter().map(|rule| rule.name.as_str()).filter(|name| !is_shipped(name)).collect();
            let bare: Vec<&str> = own.iter().filter(|name| !rules.expected.contains(**name)).copied().collect();
            let place = subject.rules.display();
            if own.is_empty() {
                continue;
            }
            if bare.is_empty() {
                let _ = writeln!(self.out, "\nevery rule in {place} is tested");
            } else {
                let _ = writeln!(
                    self.out,
                    "\nwarning: {} of {} in {place} without any test:",
                    bare.len(),
                    counted(own.len(), "rule")
                );
                for name in bare {
                    let _ = writeln!(self.out, "  {name}");
                }
            }
        }
    }
}
