//! The program of each side: builds it, runs a case, parses its output.

use super::toolchain;
use crate::failure::Failure;
use crate::repo;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of a figure, and its value.
pub type Figure = (String, f64);

pub struct Programs {
    go: PathBuf,
}

impl Programs {
    /// Builds both programs.
    pub fn build(go: &Path) -> Result<Self, Failure> {
        let program = repo::target().join("go").join("goroutines");
        let mut build = toolchain::build(go, &program);
        output(build.arg(".").current_dir(repo::root().join("benches/go")))?;
        output(cargo_bench().arg("--no-run"))?;
        Ok(Self { go: program })
    }

    pub fn go(&self, case: &str) -> Result<Vec<Figure>, Failure> {
        // Go decides how many CPUs it uses.
        let mut program = Command::new(&self.go);
        figures_of(program.env_remove("GOMAXPROCS").arg(case))
    }

    pub fn gosync(&self, case: &str) -> Result<Vec<Figure>, Failure> {
        let mut cargo = cargo_bench();
        cargo.env_remove("GOSYNC_MAXPROCS");
        figures_of(cargo.args(["--", "--case", case]))
    }
}

fn cargo_bench() -> Command {
    let mut cargo = repo::cargo();
    cargo.args(["bench", "--quiet", "--bench=go"]);
    cargo
}

fn figures_of(command: &mut Command) -> Result<Vec<Figure>, Failure> {
    let text = output(command)?;
    let figures = figures(&text);
    figures.ok_or_else(|| Failure::check(format!("{command:?} printed no figures: {text}")))
}

/// Parses a figure in each line: its name and the number.
fn figures(text: &str) -> Option<Vec<Figure>> {
    let figure = |line: &str| {
        let (name, number) = line.split_once(' ')?;
        Some((name.into(), number.parse().ok()?))
    };
    let figures: Vec<_> = text.lines().map(figure).collect::<Option<_>>()?;
    (!figures.is_empty()).then_some(figures)
}

/// Runs `command`. Returns its output.
pub fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().display().to_string();
    let output = command
        .output()
        .map_err(|error| Failure::check(format!("cannot run {program}: {error}")))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let text = format!("{program} failed: {printed}{errors}");
        return Err(Failure::check(text.trim_end()));
    }
    Ok(printed.into_owned())
}

#[cfg(test)]
mod tests {
    use super::figures;

    #[test]
    fn figures_are_read_by_name() {
        assert_eq!(
            figures("work 1.0250\nwork_rayon 1.5\n"),
            Some(vec![("work".into(), 1.025), ("work_rayon".into(), 1.5)])
        );
    }

    #[test]
    fn a_line_that_is_no_figure_is_not_passed_over() {
        assert_eq!(figures("work 1.0250\npanic: no memory\n"), None);
        assert_eq!(figures(""), None);
    }
}
