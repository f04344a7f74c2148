//! The rows, rendered at the end of `docs/security.md`.

use std::env;
use std::fmt::Write as _;
use std::fs;

use super::row::{Neutron, Row, Topic, Verdict, topics};
use super::station::Station;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/security.md");

/// What stands above the part that is written here.
const BEGIN: &str =
    "<!-- from fixtures/packets; UPDATE_GOLDEN=1 cargo test --test packets document -->\n";

#[test]
fn the_document_shows_the_matrix_as_it_is() {
    let text = fs::read_to_string(DOCUMENT).unwrap();
    let (before, shown) = text
        .split_once(BEGIN)
        .expect("the document has a place for it");
    let rendered = render(&topics());
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(DOCUMENT, format!("{before}{BEGIN}{rendered}")).unwrap();
    } else {
        assert!(
            shown == rendered,
            "docs/security.md shows other rows: UPDATE_GOLDEN=1 writes them"
        );
    }
}

fn render(topics: &[Topic]) -> String {
    let mut text = format!(
        "\n{}\n\n| station | who it is | addresses |\n|---|---|---|\n",
        counts(topics)
    );
    for station in Station::ALL {
        let addresses = station.addresses().iter().copied().chain(station.mac());
        let addresses: Vec<String> = addresses.map(|it| format!("`{it}`")).collect();
        let (name, who) = (station.name(), station.description());
        let _ = writeln!(text, "| {name} | {who} | {} |", addresses.join(", "));
    }
    for topic in topics {
        let _ = write!(text, "\n### {}\n\n", topic.title);
        if let Some(about) = &topic.about {
            let _ = write!(text, "{}\n\n", wrapped(about));
        }
        text += "| way | frame | vmhook | Neutron |\n|---|---|---|---|\n";
        text.extend(topic.rows.iter().map(line));
    }
    text
}

/// What the matrix says in all.
fn counts(topics: &[Topic]) -> String {
    let rows: Vec<&Row> = topics.iter().flat_map(|topic| &topic.rows).collect();
    let count = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let let_in = count(&|row| !row.vmhook.arrives() && row.neutron == Neutron::Passes);
    let kept_out = count(&|row| row.vmhook.arrives() && row.neutron == Neutron::Drops);
    wrapped(&format!(
        "{} frames. Neutron lets {let_in} through that vmhook refuses, and loses {kept_out} that vmhook \
         lets through; of the others both say the same.",
        rows.len()
    ))
}

fn line(row: &Row) -> String {
    let before = row
        .before
        .iter()
        .map(|it| format!("`{}: {}`, then ", it.from.name(), it.send));
    let before: String = before.collect();
    let vmhook = match row.vmhook {
        Verdict::Passes => "passes",
        Verdict::Kept => "passes, by the guard",
        Verdict::Rules => "rules",
        Verdict::Guard => "guard",
        Verdict::Undelivered => "undelivered",
    };
    let neutron = match row.neutron {
        Neutron::Passes if row.vmhook.arrives() => "passes",
        Neutron::Passes => "**passes**",
        Neutron::Drops if row.vmhook.arrives() => "**drops**",
        Neutron::Drops => "drops",
    };
    format!(
        "| {} → {} | {}: {before}`{}` | {vmhook} | {neutron} |\n",
        row.from.name(),
        row.to.name(),
        row.what,
        row.send
    )
}

/// Prose as the rest of the document has it.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a line");
        if last.len() + word.len() > 118 {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join("\n")
}
