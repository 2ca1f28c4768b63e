//! Finds the shortest failing prefix of a plan, and tells its story.

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

/// How many lines of a story are printed, from its beginning and its end.
const TOLD: [usize; 2] = [80, 120];

/// How many characters of a line are printed.
const WIDTH: usize = 200;

/// How many violated rules a short text names.
const NAMED: usize = 3;

/// A simulation that violated a rule. `Display` tells everything that is known; `Debug`, as `unwrap` prints it, only which
/// seed repeats it, and what is wrong.
pub struct Failure {
    /// The seed that repeats it.
    pub seed: u64,
    /// How many of the plan's steps are needed.
    pub steps: usize,
    /// The plan, up to the last step that is needed.
    pub plan: Plan,
    /// The violated rules. Where the last run violated none, as may happen on a
    /// [real](crate::Disk::is_real) disk, those of the first run.
    pub violations: Vec<String>,
    story: Vec<Line>,
}

/// Looks for the shortest failing prefix, and runs it with a story. The whole plan has caused
/// `violations`.
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

/// The lines of all actors that deal with the messages named in the violations; all lines, where no
/// message is named.
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
    // An operator's action may concern any message.
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

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, steps, .. } = self;
        write!(
            f,
            "seed {seed} fails with the first {steps} steps of its plan"
        )?;
        for violation in self.violations.iter().take(NAMED) {
            write!(f, "; wrong: {violation}")?;
        }
        match self.violations.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwrap_prints_the_seed_and_not_the_plan() {
        let violations = (0..5).map(|number| format!("message {number} is lost"));
        let failure = Failure {
            seed: 4711,
            steps: 12,
            plan: Plan::of(4711),
            violations: violations.collect(),
            story: Vec::new(),
        };
        let expected = "seed 4711 fails with the first 12 steps of its plan; wrong: message 0 is lost; \
                        wrong: message 1 is lost; wrong: message 2 is lost; and 2 more";
        assert_eq!(format!("{failure:?}"), expected);
        let told = failure.to_string();
        assert!(
            told.contains("the plan:") && told.contains("message 4 is lost"),
            "{told}"
        );
    }
}
