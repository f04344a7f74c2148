//! Objects that claim the same thing: all of them are wrong, and each is told where another is.

use std::collections::BTreeMap;

use super::object::Object;
use super::source::Site;

/// Breaks the objects of which another has the same name.
pub(super) fn names<T, F>(objects: &mut [Object<'_, T, F>]) {
    mark(
        objects,
        |object| Some((object.name.to_owned(), object.site)),
        |me, other| {
            Some(format!(
                "{} is there twice, also at {}",
                me.path,
                other.site.place()
            ))
        },
    );
}

/// Breaks the objects that claim one value.
///
/// `claim` gives what an object claims and where. `say` tells the first of two about the second;
/// `None` if that pair is all right, or was told already.
pub(super) fn mark<'a, T, F, K: Ord>(
    objects: &mut [Object<'a, T, F>],
    claim: impl Fn(&Object<'a, T, F>) -> Option<(K, Site<'a>)>,
    say: impl Fn(&Object<'a, T, F>, &Object<'a, T, F>) -> Option<String>,
) {
    let mut claims: BTreeMap<K, Vec<(usize, Site<'a>)>> = BTreeMap::new();
    for (at, object) in objects.iter().enumerate() {
        if let Some((value, site)) = claim(object) {
            claims.entry(value).or_default().push((at, site));
        }
    }
    let mut errors = Vec::new();
    for group in claims.values() {
        for (me, site) in group {
            let mut others = group.iter().filter(|(other, _)| other != me);
            let told = others.find_map(|(other, _)| say(&objects[*me], &objects[*other]));
            errors.extend(told.map(|message| (*me, site.error(&message))));
        }
    }
    for (at, error) in errors {
        objects[at].add(error);
    }
}

/// What to say of two objects that share `what`; nothing if they share their name as well, which
/// was told.
pub(super) fn between<T, F>(
    me: &Object<'_, T, F>,
    other: &Object<'_, T, F>,
    what: &str,
) -> Option<String> {
    let Object { path, site, .. } = other;
    let message = || {
        format!(
            "{}: the {what} is also that of {path} at {}",
            me.path,
            site.place()
        )
    };
    (me.name != other.name).then(message)
}
