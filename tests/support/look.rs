//! What there is on a world's host, in comparable forms.

use std::collections::BTreeSet;
use std::process::Command;

use super::World;

/// Leaves out what changes by itself: timers, carriers, comments, counters, indexes of links, a
/// tunnel's address; the order of rules, which is others' business; and the built-in chains of
/// iptables, which appear, empty, at its first use.
const LOOK: &str = r#"
ip -d -o link | sed -E 's/[a-z_]+_timer +[0-9.]+//g; s/^[0-9]+: //; s/state [A-Z]+//; s/NO-CARRIER,|,LOWER_UP//g; s/designated_[a-z]+ [^ ]+//g; /^vxlan-/s/link.ether [^ ]+//' | sort
bridge fdb show | grep 'permanent.*dst'
for family in ip ip6; do
    for save in ${family}tables-save ${family}tables-legacy-save; do
        echo == $save
        $save 2>/dev/null | grep -Ev '^#|^\*|^COMMIT|^:[A-Z]+ ACCEPT' | sort
    done
done
nft list tables | grep -Ev ' ip6? (raw|mangle|nat|filter|security)$' | while read -r table; do
    nft --stateless list $table | tr '{,}' '\n' | tr -d '[:blank:]' | sort | sed "s/^/$table: /"
done
ipset save | sed "s, initval 0x[0-9a-f]*,," | sort
"#;

#[expect(
    clippy::unused_self,
    reason = "what looks at a world's kernel must have a world"
)]
impl World {
    /// Everything in the kernel that vmhook could change, in a comparable form.
    pub fn kernel(&self) -> String {
        shell(LOOK)
    }

    /// The same, and every file of the state directory but the lock.
    pub fn dump(&self) -> String {
        let state = self.state_dir();
        let files = shell(&format!(
            "find {} -type f ! -name lock -print -exec cat {{}} \\; 2>/dev/null || true",
            state.display()
        ));
        self.kernel() + "== state\n" + &files
    }

    /// The files of the state directory but the lock.
    pub fn state_files(&self) -> BTreeSet<String> {
        let state = self.state_dir();
        let found = shell(&format!(
            "cd {} 2>/dev/null && find . -type f ! -name lock -printf '%P\\n' || true",
            state.display()
        ));
        found.lines().map(str::to_owned).collect()
    }

    /// The rules of iptables and ip6tables, less counters.
    pub fn rules(&self) -> String {
        shell("for save in iptables-save ip6tables-save; do $save | grep '^-A' | sort; done")
    }

    /// The taps that the guard lets through.
    pub fn open_taps(&self) -> BTreeSet<String> {
        let listed = shell("nft list set bridge vmhook members 2>/dev/null || true");
        let names = listed.split('"').skip(1).step_by(2);
        names
            .filter(|name| !name.starts_with("vxlan-") && !name.starts_with("vmp-"))
            .map(str::to_owned)
            .collect()
    }
}

fn shell(script: &str) -> String {
    let output = Command::new("sh")
        .args(["-c", script])
        .env("LC_ALL", "C")
        .output()
        .expect("sh starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
