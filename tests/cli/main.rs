//! The program as its users meet it: the real binary, real files, a simulator on a real port.

mod architecture;
mod asking;
mod batching;
mod before;
mod canary;
mod changed_inputs;
mod checking;
mod columns;
mod crashes;
mod credentials;
mod documents;
mod expected;
mod explaining;
mod exporting;
mod formats;
mod input;
mod jobs;
mod memory;
mod moving;
mod order;
mod output;
mod pace;
mod plans;

mod reconciling;
mod replies;
mod resuming;
mod samples;
mod sdk_requests;
mod selection;
mod shapes;
mod stopping;
mod support;
mod undoing;
mod values;
mod workbooks;
