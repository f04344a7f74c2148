//! Machines of which a reload knows too little, or that start meanwhile.

use super::*;

#[test]
fn a_record_that_does_not_tell_the_metadata_stays_until_sync() {
    World::run(|world| {
        let vms = bring_up(world);
        let file = world.state_dir().join("domains").join(&vms[0].uuid);
        let text = fs::read_to_string(&file).expect("a record");
        let mut record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        record["record"]["want"]
            .as_object_mut()
            .expect("a want")
            .remove("said");
        fs::write(&file, record.to_string()).expect("a file can be written");

        world.configure(&edited("port = 22", "port = 2222"));
        let outcome = reload(world);
        assert_eq!(outcome.code, 1, "{outcome:#?}");
        assert!(
            outcome.err.contains("domain vm1 stays as it was"),
            "{outcome:#?}"
        );
        let has = |tap: &str, port: &str| {
            let chain = format!("neutron-linuxbri-i{tap}");
            let rules = world.rules();
            let mut lines = rules.lines();
            lines.any(|line| {
                line.contains(&chain) && line.ends_with("RETURN") && line.contains(port)
            })
        };
        assert!(has("00000001-7", "--dport 22 "), "as it was");
        assert!(
            has("00000003-7", "--dport 2222 "),
            "the other has the new rule"
        );

        let xml = vms[0].xml().replace("<domain ", "<domain id='1' ");
        let live = world.config_dir().join("live.xml");
        fs::write(&live, xml).expect("a file can be written");
        world
            .vmhook(&["sync", "--xml", &live.display().to_string()])
            .ok();
        reload(world).ok();
        assert!(has("00000001-7", "--dport 2222 "), "now it is known");
    });
}

#[test]
fn a_start_that_a_reload_serves_on_its_way_gets_the_new_rules() {
    World::run(|world| {
        let vms = three();
        world.configure(&configuration());
        world.bring_up(&[&vms[1]]);
        world.ok("prepare", &vms[0]);
        world.plug(&vms[0]);
        let lock = fs::File::open(world.state_dir()).expect("a folder");
        lock.lock().expect("nobody has it");
        let start = world.call("start", &vms[0]).begin();
        let wants = || {
            world
                .state_files()
                .iter()
                .any(|it| it.starts_with("wants/"))
        };
        while !wants() {
            std::thread::yield_now();
        }
        start.pause();
        drop(lock);
        world.configure(&edited("port = 22", "port = 2222"));
        reload(world).ok();
        assert!(!wants(), "it is served");
        start.resume();
        assert_silent(&start.end());
        let rules = world.rules();
        assert!(rules.contains("--dport 2222 "), "{rules}");
        assert!(!rules.contains("--dport 22 "), "{rules}");
    });
}
