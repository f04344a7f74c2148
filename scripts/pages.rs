//! Writes the man pages and the shell completions of `vmhook` from its command line, so that they say
//! what the program says: `cargo run --example pages -- FOLDER`.
//!
//! ```text
//! FOLDER/vmhook.1 vmhook-check.1 …      a page for the program and one for each subcommand
//! FOLDER/vmhook.bash _vmhook vmhook.fish
//! ```
//!
//! A program of its own, for packages: what it needs is not part of what it describes.
#![expect(
    clippy::disallowed_methods,
    reason = "a program's entry: arguments, files"
)]

#[expect(dead_code, reason = "the definition is described, not used")]
#[path = "../src/bin/vmhook/arguments.rs"]
mod arguments;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

const ENVIRONMENT: [(&str, &str); 2] = [
    ("VMHOOK_CONFIG_DIR", "the folder of the configuration"),
    ("VMHOOK_STATE_DIR", "the folder of the records"),
];

const FILES: [(&str, &str); 3] = [
    (
        "/etc/vmhook/vmhook.toml",
        "the configuration, with /etc/vmhook/conf.d/*.toml; its keys are told in \
         /usr/share/doc/vmhook/configuration.md",
    ),
    (
        "/run/vmhook",
        "what was applied, for this boot; JSON for those who want to look",
    ),
    (
        "/etc/libvirt/hooks/{qemu,network,daemon}.d/50-vmhook",
        "what libvirt runs",
    ),
];

const EXIT_STATUS: [(&str, &str); 3] = [
    ("0", "all is well"),
    ("1", "the answer is no: refused, wrong, different"),
    (
        "2",
        "there is no answer: wrong arguments, something could not be read",
    ),
];

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).context("pages: which folder?")?;
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for shell in SHELLS {
        let mut command = arguments::Arguments::command();
        clap_complete::generate_to(shell, &mut command, "vmhook", &folder)?;
    }
    let mut command = arguments::Arguments::command().disable_help_subcommand(true);
    // Gives subcommands their full names and the options that all have.
    command.build();
    let names: Vec<String> = pages(&command).map(page_name).collect();
    for described in pages(&command) {
        write_page(&folder, described, &names)?;
    }
    Ok(())
}

/// The program and its subcommands.
fn pages(command: &Command) -> impl Iterator<Item = &Command> {
    let subcommands = command.get_subcommands();
    std::iter::once(command).chain(subcommands.filter(|it| !it.is_hide_set()))
}

fn page_name(command: &Command) -> String {
    let name = command.get_display_name();
    name.unwrap_or_else(|| command.get_name()).to_owned()
}

fn write_page(folder: &Path, command: &Command, names: &[String]) -> Result<()> {
    let name = page_name(command);
    let mut page = Vec::new();
    render(&mut page, command, &name, names)?;
    let file = folder.join(format!("{name}.1"));
    fs::write(&file, page).with_context(|| file.display().to_string())
}

fn render(page: &mut Vec<u8>, command: &Command, name: &str, names: &[String]) -> io::Result<()> {
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .date(" ") // none: an empty one would hand its place to the next
        .source(concat!("vmhook ", env!("CARGO_PKG_VERSION")))
        .manual("vmhook");
    man.render(page)?;
    let mut rest = Roff::new();
    definitions(&mut rest, "EXIT STATUS", &EXIT_STATUS);
    definitions(&mut rest, "ENVIRONMENT", &ENVIRONMENT);
    definitions(&mut rest, "FILES", &FILES);
    see_also(&mut rest, name, names);
    rest.to_writer(page)
}

fn definitions(roff: &mut Roff, heading: &str, entries: &[(&str, &str)]) {
    roff.control("SH", [heading]);
    for (term, meaning) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*meaning)]);
    }
}

fn see_also(roff: &mut Roff, own: &str, names: &[String]) {
    let others = names.iter().filter(|name| *name != own);
    let pages = others.map(|name| (name.as_str(), "1"));
    let pages: Vec<_> = pages
        .chain([("vmhook-event", "8"), ("virsh", "1")])
        .collect();
    roff.control("SH", ["SEE ALSO"]);
    for (index, (name, section)) in pages.iter().enumerate() {
        let comma = if index + 1 < pages.len() { "," } else { "" };
        roff.control("BR", [*name, &format!("({section}){comma}")]);
    }
}
