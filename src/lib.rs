//! Tombola runs lottery-ticket experiments: a folder of TOML in, a report that compares trained networks, their IMP
//! tickets and random-weight subnetworks out. ARCHITECTURE.md is the map.

pub mod augment;
pub mod cli;
pub mod criterion;
pub mod dataset;
pub mod device;
pub mod fetch;
pub mod figure;
pub mod graph;
pub mod init;
pub mod kernel;
pub mod layer;
pub mod learn;
pub mod loss;
pub mod mask;
pub mod model;
pub mod nearest;
pub mod optimizer;
pub mod plan;
pub mod prediction;
pub mod range;
pub mod record;
pub mod refusal;
pub mod registry;
pub mod report;
pub mod run;
pub mod schedule;
pub mod seed;
pub mod spec;
pub mod stage;
pub mod ticket;
pub mod train;
pub mod unfinished;
pub mod units;
pub mod unseen;
pub mod values;
