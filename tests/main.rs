//! Everything that only the whole shows: layers, rules, the command line.

mod analyses;
mod architecture;
mod combinations;
mod command_line;
mod devices;
mod evil;
mod fetch;
mod fuzzing;
mod gallery;
mod gates;
mod guide;
mod images;
mod kernels;
mod models;
mod new;
mod outcomes;
mod outputs;
mod planning;
mod plugins_on_devices;
mod predictions;
mod recipes;
mod resolved;
mod rules;
mod screens;
mod small;
mod sweeps;
