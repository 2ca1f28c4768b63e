//! The stages composed as in an agent, over a memory backend.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod agent;
mod aliases;
mod backscatter;
mod bans;
mod budget;
mod clock;
mod companions;
mod custody;
mod cut_through;
mod dead_sessions;
mod deferred;
mod delayed;
mod dispatcher;
mod divided;
mod doubt;
mod drain;
mod events;
mod exploder;
#[path = "../failing/mod.rs"]
mod failing;
mod failing_backend;
mod final_replies;
mod full_spill;
mod growing;
mod held;
mod hung;
mod kept_for_later;
mod layers;
mod memory;
mod notices;
mod notification;
mod observers;
mod overdue;
mod queued;
mod rated;
mod read_together;
mod reader;
mod released;
mod replicas;
mod shown_elsewhere;
mod signals;
mod spellings;
mod stood_still;
mod storage_writer;
mod suppressed;
mod suspects;
mod suspended;
mod table_of_replies;
mod together;
mod told_together;
mod unreadable;
mod wakes;
