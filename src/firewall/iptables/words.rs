//! A line of `iptables-save` as words.

/// The words of a line, taken one by one.
pub(super) struct Words(std::iter::Peekable<std::vec::IntoIter<String>>);

impl Words {
    /// Splits a line: words between spaces; one in double quotes may hold spaces, and in it a
    /// backslash stands before `"`, `\` and `'` (libxtables' `xtables_save_string`). `None` if a
    /// quote is not closed.
    pub(super) fn split(line: &str) -> Option<Self> {
        let mut words = Vec::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let (word, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted_word(quoted)?,
                None => plain_word(rest),
            };
            words.push(word);
            rest = after.trim_start();
        }
        Some(Self(words.into_iter().peekable()))
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Option<String> {
        self.0.next()
    }

    /// Takes the next word if it is this one.
    pub(super) fn take(&mut self, word: &str) -> bool {
        self.0.next_if(|next| next == word).is_some()
    }

    /// Takes the next two words if the first is this option.
    pub(super) fn option(&mut self, name: &str) -> Option<String> {
        self.take(name).then(|| self.next()).flatten()
    }
}

fn plain_word(text: &str) -> (String, &str) {
    let end = text.find(' ').unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

fn quoted_word(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((word, &text[at + 1..])),
            '\\' => word.push(characters.next()?.1),
            _ => word.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<Vec<String>> {
        Words::split(line).map(|words| words.0.collect())
    }

    #[test]
    fn keep_spaces_and_escapes_in_quotes() {
        let line = r#"-m comment --comment "a \"b\" \\ c" -j X"#;
        let expected = ["-m", "comment", "--comment", r#"a "b" \ c"#, "-j", "X"];
        assert_eq!(words(line).unwrap(), expected);
        assert_eq!(words(r#"--comment """#).unwrap(), ["--comment", ""]);
    }

    #[test]
    fn are_none_where_a_quote_is_open() {
        assert_eq!(words(r#"--comment "abc"#), None);
        assert_eq!(words(r#"--comment "abc\"#), None);
    }
}
