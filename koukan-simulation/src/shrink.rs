//! The shortest beginning of a plan that fails, and its story.

use std::{
    collections::{BTreeSet, HashSet},
    error::Error,
    fmt,
};

use super::{
    plan::{Plan, To},
    run::Simulation,
    world::{AGENT, Line, Time},
};

/// Lines of a story that are told, from its beginning and its end.
const TOLD: [usize; 2] = [80, 120];

/// Letters of a line that are told.
const WIDTH: usize = 200;

/// A simulation met what must not happen.
#[derive(Debug)]
pub struct Failure {
    /// The seed that repeats it.
    pub seed: u64,
    /// How many of the plan's steps it takes.
    pub steps: usize,
    /// The plan, as far as it is needed.
    pub plan: Plan,
    /// What must not have happened; what the first run met, where the last met nothing, as may be
    /// on a [real](crate::Disk::is_real) disk.
    pub violations: Vec<String>,
    story: Vec<Line>,
}

/// Looks for the shortest prefix that fails, and has it told. The whole plan has met `violations`.
pub(crate) fn shrink(simulation: &Simulation, plan: &Plan, violations: Vec<String>) -> Failure {
    let fails = |steps: &usize| {
        let world = simulation.live(&plan.prefix(*steps), false);
        !world.ledger().violations.is_empty()
    };
    let steps = (0..plan.steps.len()).find(fails);
    let steps = steps.unwrap_or(plan.steps.len());
    let plan = plan.prefix(steps);
    let world = simulation.live(&plan, true);
    let mut ledger = world.ledger();
    let mut last = std::mem::take(&mut ledger.violations);
    if last.is_empty() {
        last = violations;
    }
    let story = std::mem::take(&mut ledger.story);
    Failure {
        seed: plan.seed,
        steps,
        story: about(&last, story),
        violations: last,
        plan,
    }
}

/// What those say and hear who have to do with the messages that something is wrong with; all, where
/// it is not about messages.
fn about(violations: &[String], story: Vec<Line>) -> Vec<Line> {
    let letters: BTreeSet<u32> = violations.iter().flat_map(|what| letters(what)).collect();
    if letters.is_empty() {
        return story;
    }
    let signs: Vec<_> = letters
        .iter()
        .flat_map(|letter| [format!(".{letter}@"), format!("s{letter}@")])
        .collect();
    let is_about = |line: &&Line| signs.iter().any(|sign| line.what.contains(sign));
    let mut whose: HashSet<String> = story
        .iter()
        .filter(is_about)
        .map(|line| line.who.clone())
        .collect();
    whose.insert(AGENT.to_owned());
    let mut story = story;
    // What operators do may be about any message.
    story.retain(|line| whose.contains(&line.who) || line.who.starts_with("operator "));
    story
}

/// The numbers of the messages that a violation names.
fn letters(what: &str) -> impl Iterator<Item = u32> + '_ {
    let addresses = what.split_ascii_whitespace().filter_map(|word| {
        let (letter, _) = To::parse(word.trim_end_matches(','))?;
        Some(letter)
    });
    let named = ["message ", "application of "]
        .into_iter()
        .flat_map(|before| {
            let after = what.split(before).skip(1);
            after.filter_map(|rest| rest.split_ascii_whitespace().next()?.parse().ok())
        });
    addresses.chain(named)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, steps, .. } = self;
        writeln!(
            f,
            "seed {seed} fails with the first {steps} steps of its plan"
        )?;
        for violation in &self.violations {
            writeln!(f, "  wrong: {violation}")?;
        }
        write!(f, "the plan:\n{}", self.plan)?;
        writeln!(f, "what happened:")?;
        let [first, last] = TOLD;
        let left_out = self.story.len().saturating_sub(first + last);
        let beginning = self.story.len().min(first);
        tell(f, &self.story[..beginning])?;
        if left_out > 0 {
            writeln!(f, "  … {left_out} lines are left out")?;
        }
        tell(f, &self.story[beginning + left_out..])
    }
}

fn tell(f: &mut fmt::Formatter<'_>, lines: &[Line]) -> fmt::Result {
    for Line { at, who, what } in lines {
        let what = what.replace("\r\n", " / ");
        writeln!(f, "{} {who} {what:.WIDTH$}", Time(*at))?;
    }
    Ok(())
}

impl Error for Failure {}
