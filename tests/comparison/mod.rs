//! Campanile beside independent programs that do the same.

mod cron;
mod editors;
