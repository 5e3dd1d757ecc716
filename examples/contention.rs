//! Measures how reader-writer locks perform on this machine when threads contend for them, and how that
//! depends on the share of writes. Compares gosync's `RWMutex` with the locks of std, parking_lot and
//! crossbeam.
//!
//! Prints a table, and draws a chart with a panel for each number of threads. The last column of the table is
//! the spread: the middle half of the rounds had a lead between these two values. The locks are measured in short
//! slices, in turn, so that other load disturbs them alike: trust the order of the locks more than the height
//! of a line. Still, run it on a machine that is otherwise idle: threads contend only if they run at the same
//! time.
//!
//! ```text
//! cargo run --release --example contention
//! cargo run --release --example contention -- --threads 2 --writes 0,100 --out two.svg
//! ```

#[path = "../benches/support/mod.rs"]
mod support;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::cmp::Reverse;
use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use support::locks::{self, Inside, Load};
use support::{Plan, Samples, short, table};

/// Measures reader-writer locks under contention.
#[derive(Parser)]
struct Args {
    /// Numbers of threads to try
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1,2,4,8",
        value_name = "LIST"
    )]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Vec<u16>,

    /// Shares of writes to try: one operation in N is a write; 0 means no writes
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "0,100000,10000,1000,100,10,2,1",
        value_name = "LIST"
    )]
    writes: Vec<u32>,

    /// How many locks of each kind the threads use in turn
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    locks: u16,

    /// How many more threads have read before and now sleep
    #[arg(long, default_value_t = 0)]
    idle: u16,

    /// How long a thread holds the lock, in nanoseconds; 0 means as briefly as possible
    #[arg(long, default_value_t = 0)]
    work: u32,

    /// Look up and change entries of a map while holding the lock
    #[arg(long, conflicts_with = "work")]
    map: bool,

    /// How many times to measure each lock
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// How long to measure a lock each time, in milliseconds
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
    slice_ms: u16,

    /// Where to write the chart
    #[arg(long, default_value = "contention.svg", value_name = "FILE")]
    out: PathBuf,

    /// Where to write a second chart, for dark pages
    #[arg(long, value_name = "FILE")]
    dark_out: Option<PathBuf>,

    /// Replace files that exist
    #[arg(long)]
    overwrite: bool,
}

impl Args {
    fn inside(&self) -> Inside {
        match (self.map, self.work) {
            (true, _) => Inside::Map,
            (false, 0) => Inside::Number,
            (false, nanos) => Inside::Work(nanos),
        }
    }

    /// Returns the charts to draw, each with its file.
    fn charts(&self) -> impl Iterator<Item = (&'static Theme, &Path)> {
        let light = [(&LIGHT, self.out.as_path())].into_iter();
        light.chain(self.dark_out.iter().map(|file| (&DARK, file.as_path())))
    }
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("contention: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: Args) -> Result<(), Box<dyn Error>> {
    args.threads.sort_unstable();
    args.threads.dedup();
    // From no writes to only writes.
    args.writes
        .sort_unstable_by_key(|&n| Reverse(n.wrapping_sub(1)));
    args.writes.dedup();

    // To fail now rather than in a minute.
    for (_, file) in args.charts() {
        check_writable(file, args.overwrite).map_err(|error| cannot_write(file, error))?;
    }
    let report = measure(&args);
    io::stdout().write_all(report.table().as_bytes())?;
    writeln!(io::stdout())?;
    for (theme, file) in args.charts() {
        fs::write(file, report.chart(theme)?).map_err(|error| cannot_write(file, error))?;
        writeln!(io::stdout(), "The chart is in {}.", file.display())?;
    }
    Ok(())
}

fn cannot_write(file: &Path, error: io::Error) -> String {
    format!("cannot write {}: {error}", file.display())
}

/// Leaves an old chart intact, in case this run is interrupted. An empty file is not a chart.
fn check_writable(file: &Path, overwrite: bool) -> io::Result<()> {
    let file = OpenOptions::new().append(true).create(true).open(file)?;
    if !overwrite && file.metadata()?.len() > 0 {
        let error = "it exists; choose another file, or add --overwrite";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, error));
    }
    Ok(())
}

/// The results.
struct Report {
    /// The locks, ours first.
    locks: Vec<&'static str>,
    writes: Vec<u32>,
    /// One for each number of threads.
    panels: Vec<Panel>,
    rounds: u16,
}

struct Panel {
    threads: u16,
    /// In the order of the shares of writes.
    samples: Vec<Samples>,
}

/// Measures all loads, and shows a progress bar on a terminal.
fn measure(args: &Args) -> Report {
    let plan = Plan {
        rounds: args.rounds.into(),
        slice: Duration::from_millis(args.slice_ms.into()),
    };
    let mut locks = Vec::new();
    let bar = progress_bar();
    let panels = args.threads.iter().map(|&threads| {
        let samples = args.writes.iter().map(|&one_write_in| {
            let peers = locks::peers(Load {
                locks: args.locks.into(),
                idle: args.idle.into(),
                inside: args.inside(),
                ..Load::new(threads.into(), one_write_in)
            });
            locks = peers.iter().map(|peer| peer.name).collect();
            let cases = args.threads.len() * args.writes.len();
            bar.set_length((cases * peers.len() * plan.rounds) as u64);
            bar.set_message(format!(
                "{}, writes: {}",
                count(threads),
                share(one_write_in)
            ));
            plan.measure(&peers, || bar.inc(1))
        });
        let samples = samples.collect();
        Panel { threads, samples }
    });
    let panels = panels.collect();
    bar.finish_and_clear();
    Report {
        locks,
        writes: args.writes.clone(),
        panels,
        rounds: args.rounds,
    }
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3}%, {eta} left ({msg})");
    ProgressBar::new(0).with_style(style.expect("the template is valid"))
}

fn count(threads: u16) -> String {
    match threads {
        1 => "1 thread".into(),
        n => format!("{n} threads"),
    }
}

fn share(one_write_in: u32) -> String {
    match one_write_in {
        0 => "none".into(),
        1 => "all".into(),
        n => format!("1/{n}"),
    }
}

/// Returns the share in few letters, so that labels on an axis do not collide.
fn short_share(one_write_in: u32) -> String {
    match one_write_in {
        n if n > 0 && n % 1_000_000 == 0 => format!("1/{}M", n / 1_000_000),
        n if n > 0 && n % 1_000 == 0 => format!("1/{}k", n / 1_000),
        n => share(n),
    }
}

/// Returns millions of operations per second.
fn throughput(samples: &Samples, lock: usize) -> f64 {
    1e3 / samples.median(lock)
}

// The table.

impl Report {
    fn table(&self) -> String {
        let heading = ["threads", "writes"]
            .into_iter()
            .chain(self.locks.iter().copied());
        let heading = heading.chain(["lead", "over", "spread"]);
        let heading = heading.map(String::from).collect();
        let mut lines = vec![heading];
        for panel in &self.panels {
            for (&writes, samples) in self.writes.iter().zip(&panel.samples) {
                let mut line = vec![panel.threads.to_string(), share(writes)];
                line.extend(self.cells(samples));
                lines.push(line);
            }
        }
        format!(
            "Million operations per second (median of {} rounds), and the lead of {} over the \
             fastest other lock:\n\n{}",
            self.rounds,
            self.locks[0],
            table(&lines)
        )
    }

    /// Returns the throughput of each lock, our lead over the fastest other lock, the name of that lock, and
    /// the spread of the lead.
    fn cells(&self, samples: &Samples) -> Vec<String> {
        let throughputs = (0..self.locks.len()).map(|lock| throughput(samples, lock));
        let mut cells: Vec<_> = throughputs.map(short).collect();
        let fastest_other = (1..self.locks.len())
            .min_by(|&a, &b| samples.median(a).total_cmp(&samples.median(b)))
            .expect("there are other locks");
        cells.push(format!("× {}", short(samples.lead_over(fastest_other))));
        cells.push(self.locks[fastest_other].into());
        let (low, high) = samples.spread_of_lead_over(fastest_other);
        cells.push(format!("{}–{}", short(low), short(high)));
        cells
    }
}

// The chart.

const PANEL: (u32, u32) = (480, 320);
/// The height of the title and the legend, and the width of the legend.
const HEAD: u32 = 104;
const LEGEND: u32 = 580;
const FONT: &str = "sans-serif";

/// The colours of a chart.
struct Theme {
    paper: RGBColor,
    ink: RGBColor,
    /// Of each lock. From the palette of Okabe and Ito, which most colour-blind people can tell apart.
    locks: [RGBColor; 4],
}

const ORANGE: RGBColor = RGBColor(0xE6, 0x9F, 0x00);
const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
const PURPLE: RGBColor = RGBColor(0xCC, 0x79, 0xA7);

const LIGHT: Theme = Theme {
    paper: WHITE,
    ink: RGBColor(0x33, 0x33, 0x33),
    locks: [RGBColor(0x00, 0x72, 0xB2), ORANGE, GREEN, PURPLE],
};

const DARK: Theme = Theme {
    paper: RGBColor(0x0D, 0x11, 0x17),
    ink: RGBColor(0xC9, 0xD1, 0xD9),
    locks: [RGBColor(0x56, 0xB4, 0xE9), ORANGE, GREEN, PURPLE],
};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Report {
    /// Draws an SVG.
    fn chart(&self, theme: &Theme) -> Result<String, Box<dyn Error>> {
        let columns = self.panels.len().min(2);
        let rows = self.panels.len().div_ceil(columns);
        let width = PANEL.0 * columns as u32;
        let size = (width.max(LEGEND), PANEL.1 * rows as u32 + HEAD);
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&theme.paper)?;
        let (head, body) = root.split_vertically(HEAD);
        self.draw_head(&head, theme)?;
        for (area, panel) in body.split_evenly((rows, columns)).iter().zip(&self.panels) {
            self.draw_panel(area, panel, theme)?;
        }
        root.present()?;
        drop((root, head, body));
        Ok(svg)
    }

    /// Draws the title and one legend for all panels.
    fn draw_head(&self, area: &Area, theme: &Theme) -> Result<(), Box<dyn Error>> {
        area.draw_text(
            "Throughput of reader-writer locks",
            &(FONT, 24).into_text_style(area).color(&theme.ink),
            (20, 14),
        )?;
        let cpus = thread::available_parallelism().map_or(0, usize::from);
        area.draw_text(
            &format!("Median of {} rounds. CPUs: {cpus}.", self.rounds),
            &(FONT, 14).into_text_style(area).color(&theme.ink),
            (20, 46),
        )?;
        for (i, lock) in self.locks.iter().enumerate() {
            let (x, y) = (20 + 140 * i as i32, 84);
            let line = PathElement::new([(x, y), (x + 28, y)], theme.style(i));
            area.draw(&line)?;
            area.draw(&Circle::new((x + 14, y), 4, theme.locks[i].filled()))?;
            area.draw_text(
                lock,
                &(FONT, 16).into_text_style(area).color(&theme.ink),
                (x + 36, y - 8),
            )?;
        }
        Ok(())
    }

    /// Draws the curves for one number of threads.
    fn draw_panel(&self, area: &Area, panel: &Panel, theme: &Theme) -> Result<(), Box<dyn Error>> {
        let ticks = self.ticks();
        let (least, most) = (ticks[0], ticks[ticks.len() - 1]);
        let mut chart = ChartBuilder::on(area)
            .caption(
                count(panel.threads),
                (FONT, 18).into_text_style(area).color(&theme.ink),
            )
            .margin(12)
            .x_label_area_size(48)
            .y_label_area_size(64)
            .build_cartesian_2d(
                (0..self.writes.len() - 1).into_segmented(),
                (least..most).log_scale().with_key_points(ticks),
            )?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(theme.ink.mix(0.2))
            .axis_style(theme.ink)
            .label_style((FONT, 14).into_text_style(area).color(&theme.ink))
            .x_desc("share of writes")
            .y_desc("million operations per second")
            .x_label_formatter(&|x| match x {
                SegmentValue::CenterOf(i) => short_share(self.writes[*i]),
                _ => String::new(),
            })
            .y_label_formatter(&|y| y.to_string())
            .draw()?;
        // Ours last, so that it is on top.
        for lock in (0..self.locks.len()).rev() {
            let points = panel.samples.iter().enumerate();
            let points = points.map(|(i, s)| (SegmentValue::CenterOf(i), throughput(s, lock)));
            let points: Vec<_> = points.collect();
            let dots = points
                .iter()
                .map(|p| Circle::new(p.clone(), 4, theme.locks[lock].filled()));
            chart.draw_series(dots)?;
            chart.draw_series(LineSeries::new(points, theme.style(lock)))?;
        }
        Ok(())
    }

    /// Returns round numbers around all throughputs. They are the same for all panels, so that the panels can
    /// be compared.
    fn ticks(&self) -> Vec<f64> {
        let all = self.panels.iter().flat_map(|panel| &panel.samples);
        let all = all.flat_map(|s| (0..self.locks.len()).map(|lock| throughput(s, lock)));
        let (least, most) = all.fold((f64::MAX, 0.0_f64), |(least, most), x| {
            (least.min(x), most.max(x))
        });
        let round = (-9..9).flat_map(|e| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(e)));
        let round: Vec<_> = round.collect();
        let first = round.partition_point(|&x| x <= least) - 1;
        let last = round.partition_point(|&x| x < most);
        round[first..=last].to_vec()
    }
}

impl Theme {
    fn style(&self, lock: usize) -> ShapeStyle {
        // Ours stands out.
        self.locks[lock].stroke_width(if lock == 0 { 3 } else { 2 })
    }
}
