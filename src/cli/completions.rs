//! `completions`: what a shell completes by.

use super::arguments::Arguments;
use super::browsing::Completions;
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use crate::source::unbroken;
use anyhow::Context;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

pub(super) fn completions(options: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    generate(
        options.shell,
        &mut Arguments::command(),
        "campanile",
        &mut script,
    );
    let script = String::from_utf8(script).context("the script is no text")?;
    print::result(script.trim_end())?;
    if print::is_read_by_a_person() {
        let command = unbroken(install(options.shell));
        print::help(&format!("install it with: {command}"));
    }
    Ok(Exit::Success)
}

fn install(shell: Shell) -> &'static str {
    match shell {
        Shell::Zsh => "campanile completions zsh > \"${fpath[1]}/_campanile\"",
        Shell::Fish => "campanile completions fish > ~/.config/fish/completions/campanile.fish",
        Shell::PowerShell => "campanile completions powershell >> $PROFILE",
        Shell::Elvish => "campanile completions elvish >> ~/.config/elvish/rc.elv",
        _ => "campanile completions bash > ~/.local/share/bash-completion/completions/campanile",
    }
}
